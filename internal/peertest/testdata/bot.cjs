// A bot over WebSocket with xmpp.js, which reconnects by itself. NODE_PATH says where the
// library is.
globalThis.WebSocket ??= require("ws"); // Node has it from version 22 on
const { client, xml } = require("@xmpp/client");
const { readFileSync } = require("fs");
const { TRY_HOST, TRY_PORT, TRY_USER, TRY_DOMAIN, TRY_PASSWORD_FILE } = process.env;
const xmpp = client({
  service: `ws://${TRY_HOST}:${TRY_PORT}/xmpp-websocket`,
  domain: TRY_DOMAIN,
  username: TRY_USER,
  password: readFileSync(TRY_PASSWORD_FILE, "utf8").trim(),
});
for (const event of ["offline", "disconnect", "error"]) {
  xmpp.on(event, (e) => console.log(event, e && e.message ? e.message : ""));
}
xmpp.streamManagement.on("resumed", () => console.log("resumed"));
xmpp.on("online", (address) => {
  console.log("online", String(address));
  xmpp.send(xml("presence")).catch(() => {});
});
xmpp.start().catch((e) => console.log("failed", e.message));
