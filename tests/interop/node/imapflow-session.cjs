// Goes through an account: letters, folders, flags, moves, searches; gives back what it has seen.
"use strict";
const fs = require("node:fs");
const connection = require("./connection.cjs");

async function text(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function folders(client) {
  await client.mailboxCreate(["Entwürfe & Привет", "你好"]);
  await client.mailboxSubscribe("Entwürfe & Привет/你好");
  await client.mailboxRename("Entwürfe & Привет/你好", "Später");
  const listed = await client.list({ statusQuery: { messages: true, unseen: true } });
  await client.mailboxDelete("Später");
  return listed.map(({ path, specialUse, status }) => ({ path, specialUse, status }));
}

async function letters(client, given) {
  const seen = { appended: [] };
  for (const content of given.letters) {
    const octets = Buffer.from(content, "base64");
    seen.appended.push(await client.append("INBOX", octets, ["$Later"], new Date(0)));
  }
  const lock = await client.getMailboxLock("INBOX");
  try {
    const items = { uid: true, flags: true, envelope: true, bodyStructure: true, size: true };
    const more = { internalDate: true, emailId: true, threadId: true, labels: true };
    seen.fetched = await client.fetchAll("1:*", { ...items, ...more });
    const part = seen.fetched[0].bodyStructure.childNodes[1];
    const { content } = await client.download("1", part.part, { uid: true });
    seen.attached = (await text(content)).toString("base64");
    const { source } = await client.fetchOne("1", { source: true }, { uid: true });
    seen.source = source.toString("base64");
    seen.bySubject = await client.search({ subject: "Köln" }, { uid: true });
    seen.byBody = await client.search({ body: "Boxkämpfer" }, { uid: true });
    seen.notFlagged = await client.search({ not: { flagged: true } }, { uid: true });
    seen.counted = await client.search(
      { all: true },
      { uid: true, returnOptions: ["COUNT", "MIN", "MAX"] },
    );
    await client.messageFlagsAdd("1,2", ["\\Flagged", "work"], { uid: true });
    await client.messageFlagsRemove({ uid: "2" }, ["\\Flagged"]);
    await client.messageFlagsSet("3", ["\\Answered"], { uid: true });
    seen.copied = await client.messageCopy("1:2", "Archive", { uid: true });
    seen.moved = await client.messageMove("4", "Trash", { uid: true });
    seen.copied.uidMap = [...seen.copied.uidMap];
    seen.moved.uidMap = [...seen.moved.uidMap];
    await client.messageDelete("5", { uid: true });
    seen.left = await client.search({ all: true }, { uid: true });
  } finally {
    lock.release();
  }
  seen.status = await client.status("INBOX", { messages: true, uidNext: true, highestModseq: true });
  seen.status.highestModseq = Number(seen.status.highestModseq);
  return seen;
}

connection.run(async (client, given) => ({
  server: client.serverInfo,
  enabled: [...client.enabled],
  namespace: client.namespace,
  folders: await folders(client),
  quota: await client.getQuota("INBOX"),
  ...(await letters(client, given)),
}));
