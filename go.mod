module xmppscope

go 1.26
