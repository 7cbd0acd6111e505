// bosh_peer.cjs URL JID PASSWORD TO TEXT
//
// Logs in over BOSH (XEP-0124) with nothing but Node's own HTTP, on connections of its choice:
// two at once, requests that overtake each other, a time in which there is none, and a third
// behind it. Its requests have keys. Sends TEXT to TO, waits for the answer, ends the session,
// prints "DONE" and exits with 0; with 1 if anything went wrong.
const [url, jid, password, to, text] = process.argv.slice(2);
const [user, domain] = jid.split("@");
const http = require(url.startsWith("https:") ? "https" : "http");

function fail(why) {
  console.log("failed:", why && why.message ? why.message : why);
  process.exit(1);
}
process.on("unhandledRejection", fail);
setTimeout(() => fail("too slow"), 30000);

const connection = () => new http.Agent({ keepAlive: true, maxSockets: 1 });
const first = 1573741820;
let rid = first, sid = "";

// Each key is the digest of the next one (XEP-0124 §15).
const sha1 = (s) => require("crypto").createHash("sha1").update(s).digest("hex");
const keys = [sha1("any seed")];
while (keys.length < 200) keys.unshift(sha1(keys[0]));

// post sends a body on a connection, and gives what is answered; sent is called when it is on
// its way.
function post(on, number, attrs, inside, sent) {
  const body = `<body rid='${number}' ${sid && `sid='${sid}'`} ${number > first ? "key" : "newkey"}='${keys[number - first]}' ${attrs} xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh'>${inside}</body>`;
  return new Promise((resolve, reject) => {
    const request = http.request(url, { agent: on, method: "POST", headers: { "Content-Type": "text/xml; charset=utf-8", "Content-Length": Buffer.byteLength(body) } }, (answer) => {
      let all = "";
      answer.on("data", (part) => (all += part));
      answer.on("end", () => (answer.statusCode === 200 ? resolve(all) : reject(answer.statusCode + " " + all)));
    });
    request.on("error", reject);
    request.on("finish", () => sent && sent());
    request.end(body);
  });
}
const say = (on, inside = "", attrs = "") => post(on, rid++, attrs, inside);
const must = (answer, what) => answer.includes(what) || fail(`no ${what} in ${answer}`);
const time = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

(async () => {
  const a = connection(), b = connection();
  const made = await say(a, "", `to='${domain}' wait='2' hold='1' ver='1.6' xml:lang='en' xmpp:version='1.0'`);
  sid = /sid=['"]([^'"]+)/.exec(made)[1];
  must(await say(a, `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from(`\0${user}\0${password}`).toString("base64")}</auth>`), "<success");
  must(await say(b, "", `to='${domain}' xml:lang='en' xmpp:restart='true'`), "bind");
  must(await say(a, "<iq xmlns='jabber:client' type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bosh</resource></bind></iq>"), "/bosh");

  // One is held at the server while another brings something.
  let heard = "";
  const hears = (answer) => (heard += answer);
  await Promise.all([say(a, "<presence xmlns='jabber:client'/>").then(hears), say(b, `<message xmlns='jabber:client' type='chat' to='${to}'><body>${text}</body></message>`).then(hears)]);
  while (!heard.includes("echo: " + text)) hears(await say(a));

  // The second of two requests comes first.
  const [one, two] = [rid, rid + 1];
  rid += 2;
  let later;
  await new Promise((sent) => {
    later = post(b, two, "", "<iq xmlns='jabber:client' type='get' id='two'><ping xmlns='urn:xmpp:ping'/></iq>", sent).then(hears);
  });
  await time(200);
  await Promise.all([post(a, one, "", "<iq xmlns='jabber:client' type='get' id='one'><ping xmlns='urn:xmpp:ping'/></iq>").then(hears), later]);
  while (!/id=['"]one/.test(heard) || !/id=['"]two/.test(heard)) hears(await say(a));

  a.destroy();
  b.destroy();
  await time(200);
  const c = connection();
  await say(c, "<presence xmlns='jabber:client' type='unavailable'/>", "type='terminate'");
  c.destroy();
  console.log("DONE");
  process.exit(0);
})().catch(fail);
