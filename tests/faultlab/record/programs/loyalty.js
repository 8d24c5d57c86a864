// Counts points in MySQL through a pool: PORT PASSWORD COUNT PAUSE. JSON lines by winston.
const mysql = require("mysql2/promise");
const winston = require("winston");
const [port, password, count, pause] = process.argv.slice(2);
const { timestamp, json, errors, combine } = winston.format;
const log = winston.createLogger({
  defaultMeta: { service: process.env.SERVICE },
  format: combine(timestamp(), errors({ stack: true }), json()),
  transports: [new winston.transports.Console()],
});
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function main() {
  const pool = mysql.createPool({ host: "127.0.0.1", port, user: "shop", password, database: "shop", connectionLimit: 4 });
  log.info("loyalty points service listening for orders", { db: `127.0.0.1:${port}` });
  for (let i = 0; i < Number(count); i++) {
    try {
      const [rows] = await pool.query("select count(*) as orders from orders");
      log.info("points recalculated", { customer: 100 + i, orders: rows[0].orders });
    } catch (error) {
      log.error("cannot recalculate points", { customer: 100 + i, code: error.code, errno: error.errno, stack: error.stack });
    }
    await sleep(Number(pause));
  }
  await pool.end();
}
main();
