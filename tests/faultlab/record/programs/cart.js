// Keeps carts in Redis: PORT COUNT PAUSE [SHAPE]. JSON lines by pino. SHAPE list: the new release's data type.
const Redis = require("ioredis");
const pino = require("pino");
const [port, count, pause, shape] = process.argv.slice(2);
const log = pino({ name: process.env.SERVICE, timestamp: pino.stdTimeFunctions.isoTime });
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function main() {
  const redis = new Redis({ port, host: "127.0.0.1", maxRetriesPerRequest: 1, retryStrategy: () => 300 });
  redis.on("error", (err) => log.error({ err }, "redis connection error"));
  log.info({ release: process.env.RELEASE || "4.0.2" }, "cart service up");
  for (let i = 0; i < Number(count); i++) {
    const key = `cart:${100 + (i % 17)}`;
    try {
      if (shape === "list") await redis.rpush(key, `article-${i}`);
      else await redis.hset(key, `article-${i}`, 1);
      log.info({ key }, "article added");
    } catch (err) {
      log.error({ err, key }, "article not added");
    }
    await sleep(Number(pause));
  }
  redis.disconnect();
}
main();
