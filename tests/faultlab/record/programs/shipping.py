"""Takes shipments from RabbitMQ: PORT PASSWORD COUNT PAUSE [durable|transient]."""

import logging
import os
import sys
import time

import pika
from pika.exceptions import AMQPError

logging.basicConfig(
    level=logging.INFO,
    stream=sys.stdout,
    format="%(asctime)s [%(levelname)s] %(name)s: %(message)s",
)
logging.getLogger("pika").setLevel(logging.ERROR)
log = logging.getLogger(os.environ["SERVICE"])
port, password, count, pause = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
durable = "transient" not in sys.argv
login = pika.PlainCredentials(os.environ.get("USER_NAME", "shop"), password)
where = pika.ConnectionParameters("127.0.0.1", port, "shop", login, blocked_connection_timeout=2)
log.info("shipping %s starting", os.environ.get("RELEASE", "6.0.1"))
for number in range(count):
    try:
        connection = pika.BlockingConnection(where)
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("shipments", durable=durable)
        channel.basic_publish("", "shipments", b"parcel", pika.BasicProperties(delivery_mode=2))
        log.info("shipment %d queued", number)
        connection.close()
    except (AMQPError, OSError) as error:
        log.error("shipment %d not queued: %r", number, error)
    time.sleep(pause)
