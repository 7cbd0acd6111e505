// Package packet reads packet captures of any origin and puts together what the
// TCP connections in them carried: pcap and pcapng, the usual link types, IP with
// its fragments, packets out of order, segments that are lost, late, doubled or cut
// short.
//
// It knows nothing of XMPP. Read gives, in file order, what became of each
// connection: opened, bytes of a direction in their order, bytes that are missing,
// ended, closed; and the key log lines that the file brings along.
//
// A capture may come from anyone. Headers are parsed here and not by gopacket's
// layers, which give up on a packet that is cut in its options or behind its
// header, where the length of what is missing still matters; and segments are
// ordered here and not by its assemblers, which do not look at acknowledgements
// and so cannot tell a segment that the capture lacks from one that is late. What
// is kept is bounded by the max… constants, whatever the file says.
package packet
