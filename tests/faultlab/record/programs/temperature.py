"""Publishes temperatures over MQTT: PORT COUNT PAUSE USER PASSWORD [TLS]."""

import logging
import os
import ssl
import sys
import time

import paho.mqtt.client as mqtt

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s - %(message)s"
)
log = logging.getLogger(os.environ["SERVICE"])
port, count, pause, user, password = (
    int(sys.argv[1]),
    int(sys.argv[2]),
    float(sys.argv[3]),
    sys.argv[4],
    sys.argv[5],
)


def connected(
    client: mqtt.Client, data: object, flags: object, reason: object, properties: object
) -> None:
    log.log(logging.ERROR if reason.is_failure else logging.INFO, "broker answered: %s", reason)


def left(
    client: mqtt.Client, data: object, flags: object, reason: object, properties: object
) -> None:
    log.warning("broker connection closed: %s", reason)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=os.environ["SERVICE"])
client.on_connect, client.on_disconnect = connected, left
client.username_pw_set(user, password)
client.reconnect_delay_set(1, 1)
if len(sys.argv) > 6:
    client.tls_set(ca_certs=sys.argv[6], cert_reqs=ssl.CERT_REQUIRED)
log.info("sensor gateway up, broker 127.0.0.1:%d", port)
for _ in range(8):
    try:
        client.connect("127.0.0.1", port, keepalive=10)
        break
    except OSError as error:
        log.error("cannot connect to broker 127.0.0.1:%d: %s", port, error)
        time.sleep(1)
client.loop_start()
time.sleep(0.5)
for number in range(count):
    sent = client.publish(f"plant/boiler/{number % 5}", f"{70 + number % 9}", qos=1)
    try:
        sent.wait_for_publish(1)
        done = sent.is_published()
    except (RuntimeError, ValueError) as error:
        done, why = False, error
    else:
        why = "no acknowledgement within 1 s"
    if done:
        log.info("reading %d published", number)
    else:
        log.error("reading %d not published: %s", number, why)
    time.sleep(pause)
client.disconnect()
client.loop_stop()
