// Reads a webhook's message by the schemas that are generated from Discord's OpenAPI description: `embed.mjs PACKAGES
// FILE` prints what is wrong, a line each. A property that they do not know is not in what they give back, and so is seen
// as well.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";

const [packages, file] = process.argv.slice(2);
const schemas = await import(pathToFileURL(`${packages}/discord-api-spec/build/discord-api-spec.zod.js`).href);

const message = JSON.parse(readFileSync(file, "utf8"));
const { data, error } = schemas.IncomingWebhookRequestPartialSchema.safeParse(message);
for (const { path, code, maximum } of error?.issues ?? []) {
  console.log(`${path.join(".")}: ${code}${maximum === undefined ? "" : `, at most ${maximum}`}`);
}
if (data && !isDeepStrictEqual(data, message)) {
  console.log(`only this is known of it: ${JSON.stringify(data)}`);
}
