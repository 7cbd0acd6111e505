// xmppjs_account.mjs DOMAIN USER PASSWORD TO TEXT
//
// A client that is told its account, and nothing of servers. It sends TEXT to TO and goes.
import { client, xml } from "@xmpp/client";

const [, , domain, username, password, to, text] = process.argv;
const peer = client({ service: domain, domain, username, password });

let leaving = false;

function giveUp(error) {
  if (leaving && error.code === "ECONNRESET") {
    process.exit(0); // ejabberd may reset a connection whose streams are closed
  }
  console.error(error);
  process.exit(1);
}

peer.on("error", giveUp);
peer.on("online", async () => {
  await peer.send(xml("message", { type: "chat", to }, xml("body", {}, text)));
  leaving = true;
  await peer.stop();
  process.exit(0);
});
peer.start().catch(giveUp);
