// A connection by imapflow: TLS with a certificate that is checked, and no BAD from the server.
"use strict";
const fs = require("node:fs");
const { ImapFlow } = require("imapflow");

async function connect(given) {
  const bad = [];
  const note = (entry) => {
    if (/^\S+ BAD/.test(entry.msg ?? "")) bad.push(entry.msg);
  };
  const client = new ImapFlow({
    host: "localhost",
    port: given.port,
    secure: given.secure,
    doSTARTTLS: given.secure ? undefined : true,
    qresync: true,
    disableCompression: given.compressed === false,
    auth: { user: given.user, pass: given.password },
    tls: { ca: fs.readFileSync(given.certificate) },
    logger: { trace: note, debug: note, info: note, warn: note, error: note },
    clientInfo: { name: "imapflow", note: 'quotes " and \\ backslashes' },
  });
  await client.connect();
  return { client, bad };
}

function run(session) {
  const given = JSON.parse(fs.readFileSync(0, "utf8"));
  connect(given).then(async ({ client, bad }) => {
    try {
      const told = await session(client, given);
      console.log(JSON.stringify({ bad, ...told }, plain));
    } finally {
      await client.logout();
    }
  });
}

// JSON knows no large integers, sets or maps.
function plain(_, value) {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Set) return [...value];
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}

module.exports = { connect, run };
