// Reads an Adaptive Card as Microsoft's own renderer does, without a page: `card.cjs PACKAGES FILE` prints what is wrong,
// a line each. A property that it does not know is not in what it writes again, and so is seen as well.
"use strict";

const { readFileSync } = require("node:fs");

const [packages, file] = process.argv.slice(2);
const { AdaptiveCard, SerializationContext, ValidationEvent } = require(`${packages}/adaptivecards/dist/adaptivecards.js`);

const payload = JSON.parse(readFileSync(file, "utf8"));
// What is Teams' own addition, the renderer leaves alone.
const { msteams, ...card } = payload.attachments ? payload.attachments[0].content : payload;

const context = new SerializationContext();
const parsed = new AdaptiveCard();
parsed.parse(card, context);
const parsing = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index));
for (const { event, message } of [...parsing, ...parsed.validateProperties().validationEvents]) {
  console.log(`${ValidationEvent[event]}: ${message}`);
}
compare(card, parsed.toJSON(), "$");

// A default is left out when it is written again.
function isDefault(key, value) {
  return key === "spacing" && value === "Default";
}

function compare(ours, theirs, path) {
  for (const [key, value] of Object.entries(ours)) {
    const where = `${path}.${key}`;
    if (theirs?.[key] === undefined) {
      if (!isDefault(key, value)) console.log(`${where} is not known`);
    } else if (typeof value === "object" && value !== null) {
      compare(value, theirs[key], where);
    } else if (value !== theirs[key]) {
      console.log(`${where} is read as ${JSON.stringify(theirs[key])}`);
    }
  }
}
