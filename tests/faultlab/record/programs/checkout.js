// The checkout: MODE ARGUMENT COUNT.
const http = require("http");
const fs = require("fs");
const [mode, argument, count] = process.argv.slice(2);
const log = (level, message) => console.log(`${new Date().toISOString()} ${level.toUpperCase()} [${process.env.SERVICE}] ${message}`);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function ask(url) {
  return new Promise((done, fail) => {
    const request = http.get(url, { timeout: 1000 }, (answer) => {
      answer.resume();
      answer.on("end", () => (answer.statusCode >= 500 ? fail(new Error(`Request failed with status code ${answer.statusCode}`)) : done()));
    });
    request.on("timeout", () => request.destroy(new Error("socket timeout after 1000ms")));
    request.on("error", fail);
  });
}

async function main() {
  log("info", "checkout 3.3.0 boots");
  if (mode === "module") require(argument);
  if (mode === "config") JSON.parse(fs.readFileSync(argument, "utf8"));
  if (mode === "listen") http.createServer().listen(Number(argument), "127.0.0.1");
  const baskets = [];
  for (let i = 0; i < Number(count); i++) {
    try {
      if (mode === "ask") await ask(argument);
      if (mode === "heap" && i > 12) for (let j = 0; j < 150000; j++) baskets.push({ i, j, items: [`article ${j}`] });
      log("info", `basket ${2200 + i} paid`);
    } catch (error) {
      log("error", `basket ${2200 + i} not paid: ${error.stack}`);
    }
    await sleep(80);
  }
  log("info", "checkout ends");
}
main();
