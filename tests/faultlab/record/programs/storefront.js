// A storefront over HTTP that reads articles from Redis: PORT REDISPORT.
const http = require("http");
const Redis = require("ioredis");
const pino = require("pino");
const [port, store] = process.argv.slice(2).map(Number);
const log = pino({ name: process.env.SERVICE, timestamp: pino.stdTimeFunctions.isoTime });
const redis = new Redis({ port: store, host: "127.0.0.1", maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy: () => 500 });
redis.on("error", (err) => log.warn({ err: { code: err.code, message: err.message } }, "redis unavailable"));

http.createServer(async (req, res) => {
  const began = Date.now();
  try {
    if (req.url !== "/health") await redis.incr(`hits:${req.url}`);
    res.statusCode = req.url.startsWith("/favicon") ? 404 : 200;
    res.end("ok\n");
    log.info({ method: req.method, url: req.url, status: res.statusCode, ms: Date.now() - began }, "request completed");
  } catch (err) {
    res.statusCode = 500;
    res.end("internal error\n");
    log.error({ method: req.method, url: req.url, status: 500, ms: Date.now() - began, err }, "request errored");
  }
}).listen(port, "127.0.0.1", () => log.info({ port }, "storefront listening"));
