"""slixmpp_peer.py ROLE HOST PORT JID PASSWORD CAFILE [TO TEXT]

ROLE bob: stays online, prints "ONLINE", then one JSON line for each message it
gets, and answers it. ROLE alice: sends TEXT to TO, waits for the answer, closes
cleanly, prints "DONE" and exits with 0; with 1 if anything went wrong. ROLE
alice-direct is alice with TLS from the first byte, alice-clear without TLS.
"""
import asyncio
import json
import os
import sys

import slixmpp

ROLE, HOST, PORT, JID, PASSWORD, CAFILE = sys.argv[1:7]


def say(*words):
    print(*words, flush=True)


class Peer(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(JID + "/" + ROLE, PASSWORD)
        self.leaving = False
        for plugin in ("xep_0030", "xep_0198", "xep_0199"):
            self.register_plugin(plugin)
        self.ca_certs = CAFILE
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.got)
        self.add_event_handler("message_error", self.bounced)
        self.add_event_handler("failed_auth", lambda e: say("failed_auth"))
        for event in ("failed_all_auth", "ssl_invalid_chain", "ssl_invalid_cert", "connection_failed"):
            self.add_event_handler(event, lambda e, name=event: self.give_up(name, e))

    def give_up(self, name, e):
        say(name, e)
        os._exit(1)

    async def started(self, _):
        await self.get_roster()
        self.send_presence()
        if ROLE == "bob":
            say("ONLINE")
        else:
            say("mechanism", self["feature_mechanisms"].mech.name)
            self.send_message(sys.argv[7], sys.argv[8], mtype="chat")

    def bounced(self, message):
        if ROLE != "bob":
            self.give_up("bounced", message["error"]["condition"] + ": " + message["error"]["text"])

    def got(self, message):
        if not message["body"] or message["type"] == "error":
            return
        say(json.dumps({"from": str(message["from"]), "body": message["body"]}))
        if ROLE == "bob":
            message.reply("echo: " + message["body"]).send()
        elif not self.leaving:
            # A server sends what a login before did not acknowledge once more, and
            # slixmpp closes its stream as often as it is told to.
            self.leaving = True
            self.disconnect()


def through_socks(loop, host, port):
    """Has every connection of the loop go through a SOCKS5 proxy, with a user."""
    import socks
    connect = loop.create_connection

    async def create_connection(factory, to_host=None, to_port=None, **kw):
        s = socks.create_connection((to_host, to_port), 30, None, socks.SOCKS5, host, port, True, "robin", "hood")
        s.setblocking(False)
        if kw.get("ssl") and not kw.get("server_hostname"):
            kw["server_hostname"] = to_host
        return await connect(factory, sock=s, **kw)

    loop.create_connection = create_connection


async def main():
    if os.environ.get("XMPP_SOCKS"):
        host, port = os.environ["XMPP_SOCKS"].rsplit(":", 1)
        through_socks(asyncio.get_event_loop(), host, int(port))
    peer = Peer()
    if ROLE == "alice-direct":
        # To an IP address slixmpp sends no SNI, and then nobody can know which
        # domain is meant. So it is given the answer that DNS would have given.
        async def answer(domain, port=None):
            return peer.boundjid.domain, HOST, int(PORT)

        peer._pick_dns_answer = answer
        peer.default_domain = peer.boundjid.domain
    peer.connect((HOST, int(PORT)), use_ssl=ROLE == "alice-direct", force_starttls=ROLE != "alice-clear")
    await peer.disconnected
    say("DONE")


asyncio.get_event_loop().run_until_complete(main())
os._exit(0)
