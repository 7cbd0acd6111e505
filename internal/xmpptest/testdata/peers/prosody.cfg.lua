-- A Prosody for one test: loopback only, everything in its own folder.
run_as_root = true
daemonize = false
data_path = "{{.Dir}}/data"
pidfile = "{{.Dir}}/prosody.pid"
certificates = "{{.Dir}}"
interfaces = { "127.0.0.1" }
c2s_ports = { {{.StartTLS}} }
c2s_direct_tls_ports = { {{.Direct}} }
s2s_ports = {}
http_ports = {}
https_ports = {}

ssl = { certificate = "{{.Dir}}/chain.pem"; key = "{{.Dir}}/key.pem"; protocol = "tlsv1_2+" }
c2s_direct_tls_ssl = ssl
c2s_require_encryption = true
authentication = "internal_plain"
storage = "internal"

modules_enabled = { "roster", "saslauth", "tls", "disco", "carbons", "smacks", "ping", "presence", "message", "iq" }
modules_disabled = { "s2s" }
log = { { levels = { min = "info" }, to = "console" } }

VirtualHost "{{.Domain}}"
