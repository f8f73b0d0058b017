// Sends the letters that it is given, through one pool of connections; gives back what it was told.
"use strict";
const fs = require("node:fs");
const nodemailer = require("nodemailer");

async function main(given) {
  const transport = nodemailer.createTransport({
    host: "localhost",
    port: given.port,
    secure: given.secure,
    requireTLS: true,
    pool: true,
    auth: { user: given.user, pass: given.password },
    authMethod: given.mechanism,
    tls: { ca: fs.readFileSync(given.certificate) },
  });
  const told = [];
  try {
    await transport.verify();
    for (const message of given.messages) {
      for (const each of message.attachments ?? []) {
        each.content = Buffer.from(each.content, "base64");
      }
      try {
        const { response, accepted, rejected } = await transport.sendMail(message);
        told.push({ response, accepted, rejected });
      } catch (error) {
        told.push({ error: error.code, response: error.response, status: error.responseCode });
      }
    }
  } catch (error) {
    told.push({ error: error.code, response: error.response, status: error.responseCode });
  } finally {
    transport.close();
  }
  return told;
}

main(JSON.parse(fs.readFileSync(0, "utf8"))).then((told) => console.log(JSON.stringify(told)));
