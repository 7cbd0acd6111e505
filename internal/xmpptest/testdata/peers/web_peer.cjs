// web_peer.cjs LIBRARY TRANSPORT URL JID PASSWORD TO TEXT
//
// Logs in over WebSocket ("ws") or BOSH ("bosh") with a client library of npm, "xmpp.js" or
// "stanza", sends TEXT to TO, waits for the answer, closes in order, prints "DONE" and exits
// with 0; with 1 if anything went wrong. NODE_PATH says where the libraries are.
const [library, transport, url, jid, password, to, text] = process.argv.slice(2);
const [user, domain] = jid.split("@");

function fail(why) {
  console.log("failed:", why && why.message ? why.message : why);
  process.exit(1);
}
process.on("unhandledRejection", fail);
setTimeout(() => fail("too slow"), 30000);

function done() {
  console.log("DONE");
  process.exit(0);
}

if (library === "xmpp.js") {
  globalThis.WebSocket ??= require("ws"); // Node has it from version 22 on
  const { client, xml } = require("@xmpp/client");
  const xmpp = client({ service: url, domain, resource: "xmppjs", username: user, password });
  xmpp.on("error", fail);
  xmpp.on("online", async (address) => {
    console.log("online", String(address));
    // With this priority nothing comes that the server has kept from a login before: what
    // comes ahead of <enabled/> xmpp.js counts, and it must not (XEP-0198 §4).
    await xmpp.send(xml("presence", {}, xml("priority", {}, "-1")));
    await xmpp.send(xml("message", { type: "chat", to }, xml("body", {}, text)));
  });
  xmpp.on("stanza", async (stanza) => {
    if (stanza.is("message") && stanza.getChildText("body") === "echo: " + text) {
      console.log("got", stanza.getChildText("body"));
      await xmpp.stop();
      done();
    }
  });
  xmpp.start().catch(fail);
} else {
  const stanza = require("stanza");
  const transports = transport === "bosh" ? { bosh: url, websocket: false } : { websocket: url, bosh: false };
  const client = stanza.createClient({ jid, password, resource: "stanza", transports, autoReconnect: false });
  client.on("stream:error", fail);
  client.on("auth:failed", () => fail("auth"));
  client.on("session:started", async () => {
    console.log("online", client.jid);
    client.sendPresence();
    client.sendMessage({ to, body: text, type: "chat" });
  });
  client.on("message", (m) => {
    if (m.body !== "echo: " + text) return;
    console.log("got", m.body);
    client.on("disconnected", done);
    client.disconnect();
    if (transport === "bosh") setTimeout(done, 1000); // it does not always say so
  });
  client.connect();
}
