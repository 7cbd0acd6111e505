"""slixmpp_account.py JID PASSWORD CAFILE TO TEXT

A client that is told its account, and nothing of servers. It sends TEXT to TO, waits for
the answer, closes cleanly, prints "DONE" and exits with 0; with 1 if anything went wrong.
"""
import asyncio
import os
import sys

import slixmpp

JID, PASSWORD, CAFILE, TO, TEXT = sys.argv[1:6]


def say(*words):
    print(*words, flush=True)


class Peer(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(JID, PASSWORD)
        self.ca_certs = CAFILE
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.got)
        self.add_event_handler("failed_auth", lambda e: say("failed_auth"))
        for event in ("failed_all_auth", "ssl_invalid_chain", "ssl_invalid_cert"):
            self.add_event_handler(event, lambda e, name=event: self.give_up(name, e))

    def give_up(self, name, e):
        say(name, e)
        os._exit(1)

    async def started(self, _):
        await self.get_roster()
        self.send_presence()
        say("mechanism", self["feature_mechanisms"].mech.name)
        self.send_message(TO, TEXT, mtype="chat")

    def got(self, message):
        if message["body"] and message["type"] != "error":
            self.disconnect()


async def main():
    peer = Peer()
    peer.connect()
    await peer.disconnected
    say("DONE")


asyncio.get_event_loop().run_until_complete(main())
os._exit(0)
