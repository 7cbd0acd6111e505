-- The hosts of a Prosody that are each broken in one way; what goes before is in
-- internal/xmpptest/testdata/peers.
local function certificate(name, protocol)
	return { certificate = dir .. "/" .. name .. ".pem"; key = dir .. "/" .. name .. ".pem"; protocol = protocol or "tlsv1_2+" }
end

ssl = certificate("good.test")
c2s_direct_tls_ssl = ssl
c2s_unauthed_stanza_size_limit = 10000
modules_enabled = { "roster", "saslauth", "tls", "disco", "smacks", "ping", "presence", "message", "iq", "register" }

VirtualHost "good.test"
VirtualHost "expired.test"
	ssl = certificate("expired.test")
VirtualHost "future.test"
	ssl = certificate("future.test")
VirtualHost "wrong.test" -- its certificate is for another
	ssl = certificate("elsewhere.test")
VirtualHost "self.test"
	ssl = certificate("self.test")
VirtualHost "stranger.test" -- signed by a CA that nobody knows
	ssl = certificate("stranger.test")
VirtualHost "tls12.test"
	ssl = certificate("good.test", "tlsv1_2")
VirtualHost "tls13.test"
	ssl = certificate("good.test", "tlsv1_3")
VirtualHost "clear.test" -- no TLS at all
	modules_disabled = { "tls", "s2s" }
	c2s_require_encryption = false
	allow_unencrypted_plain_auth = true
VirtualHost "optional.test" -- TLS is offered, and passwords in the clear are not taken
	c2s_require_encryption = false
VirtualHost "scramonly.test"
	disable_sasl_mechanisms = { "PLAIN" }
VirtualHost "plainonly.test"
	disable_sasl_mechanisms = { "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS" }
VirtualHost "nosasl.test" -- no mechanism is left
	disable_sasl_mechanisms = { "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS" }
VirtualHost "kickold.test"
	conflict_resolve = "kick_old"
VirtualHost "kicknew.test"
	conflict_resolve = "kick_new"
VirtualHost "closed.test" -- registration is off
	allow_registration = false
VirtualHost "legacy.test"
	modules_enabled = { "legacyauth" }
