"""slixmpp_component.py HOST PORT JID SECRET TO TEXT

A component (XEP-0114): writes TEXT to TO from one of its addresses, waits for the
answer, closes cleanly, prints "DONE" and exits with 0; with 1 if it is not let in.
"""
import asyncio
import os
import sys

from slixmpp.componentxmpp import ComponentXMPP

HOST, PORT, JID, SECRET, TO, TEXT = sys.argv[1:7]


class Gateway(ComponentXMPP):
    def __init__(self):
        super().__init__(JID, SECRET, HOST, int(PORT))
        self.answered = False
        self.add_event_handler("session_start", lambda _: self.send_message(TO, TEXT, mtype="chat", mfrom="robot@" + JID))
        self.add_event_handler("message", self.got)
        self.add_event_handler("connection_failed", self.give_up)

    def got(self, message):
        print(message["from"], message["body"], flush=True)
        self.answered = message["body"] == "echo: " + TEXT
        self.disconnect()

    def give_up(self, e):
        print("connection_failed", e, flush=True)
        os._exit(1)


async def main():
    gateway = Gateway()
    gateway.connect()
    await gateway.disconnected
    if gateway.answered:
        print("DONE", flush=True)
    os._exit(not gateway.answered)


asyncio.get_event_loop().run_until_complete(main())
