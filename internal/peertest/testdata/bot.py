"""A bot that stays online: it is told by its environment where to connect to, and as whom
(xmppscope try)."""
import asyncio
import os

import slixmpp

HOST, PORT = os.environ["TRY_HOST"], int(os.environ["TRY_PORT"])
with open(os.environ["TRY_PASSWORD_FILE"]) as f:
    PASSWORD = f.readline().strip()


class Bot(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(os.environ["TRY_JID"], PASSWORD)
        for plugin in ("xep_0030", "xep_0198", "xep_0199"):
            self.register_plugin(plugin)
        self.ca_certs = os.environ["TRY_CA"]
        self.add_event_handler("session_start", self.started)
        for event in ("session_start", "session_resumed", "failed_auth", "stream_error"):
            self.add_event_handler(event, lambda e, name=event: print(name, flush=True))
        self.add_event_handler("disconnected", self.gone)

    async def started(self, _):
        self.send_presence()
        await self.get_roster()

    def gone(self, _):
        print("disconnected", flush=True)
        asyncio.get_event_loop().call_later(0.3, self.connect, (HOST, PORT))


bot = Bot()
bot.connect((HOST, PORT))
asyncio.get_event_loop().run_forever()
