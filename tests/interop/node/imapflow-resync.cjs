// Comes back to a mailbox that others have changed (QRESYNC), and then watches it (IDLE).
"use strict";
const connection = require("./connection.cjs");

function watch(client) {
  const seen = [];
  const waiting = [];
  for (const kind of ["exists", "expunge", "flags"]) {
    client.on(kind, ({ uid, count, flags, vanished, earlier }) => {
      seen.push({ kind, uid, count, flags: flags && [...flags].sort(), vanished, earlier });
      waiting.splice(0).forEach((look) => look());
    });
  }
  const until = async (found) => {
    while (!seen.some(found)) await new Promise((look) => waiting.push(look));
  };
  return { seen, until };
}

connection.run(async (client, given) => {
  const before = { ...(await client.mailboxOpen("INBOX")) };
  await client.mailboxClose();

  const other = await connection.connect(given);
  await other.client.mailboxOpen("INBOX");
  await other.client.messageFlagsAdd("2:3", ["\\Flagged"], { uid: true });
  await other.client.messageDelete("5:7", { uid: true });
  await other.client.append("INBOX", "Subject: new\r\n\r\nText.\r\n");

  const { seen, until } = watch(client);
  const known = { changedSince: before.highestModseq, uidValidity: before.uidValidity };
  const after = await client.mailboxOpen("INBOX", known);
  const resynced = seen.splice(0);
  const { exists, qresync } = after; // it changes with the mailbox

  const idling = client.idle();
  await other.client.messageFlagsAdd("1", ["work"], { uid: true });
  await until(({ kind, uid }) => kind === "flags" && uid === 1);
  await other.client.append("INBOX", "Subject: newer\r\n\r\nText.\r\n");
  await until(({ kind, count }) => kind === "exists" && count === exists + 1);
  await other.client.messageMove("4", "Archive", { uid: true });
  await until(({ kind, uid }) => kind === "expunge" && uid === 4);
  await client.noop();
  await idling;
  await other.client.logout();
  return { resynced, qresync, exists, told: seen, bad: other.bad };
});
