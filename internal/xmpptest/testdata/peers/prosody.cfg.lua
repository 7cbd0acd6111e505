-- A Prosody for one test: loopback only, everything in its own folder. What only
-- this test wants stands at the end.
local dir = "{{.Dir}}"
run_as_root = true
daemonize = false
data_path = dir .. "/data"
pidfile = dir .. "/prosody.pid"
certificates = dir
interfaces = { "127.0.0.1" }
c2s_ports = { {{.StartTLS}} }
c2s_direct_tls_ports = { {{.Direct}} }
s2s_ports = {}
http_ports = {}
https_ports = {}

c2s_require_encryption = true
authentication = "internal_plain"
storage = "internal"
modules_enabled = { "roster", "saslauth", "tls", "disco", "carbons", "smacks", "ping", "presence", "message", "iq", "websocket", "bosh" }
modules_disabled = { "s2s" }
log = { { levels = { min = "info" }, to = "console" } }

{{.Settings}}
