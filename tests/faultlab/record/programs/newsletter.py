"""Sends a newsletter over SMTP: PORT RECIPIENT COUNT SIZE."""

import logging
import os
import smtplib
import sys
import time
from email.message import EmailMessage

logging.basicConfig(
    level=logging.INFO,
    stream=sys.stdout,
    format="%(asctime)s %(name)s[%(process)d] %(levelname)s %(message)s",
)
log = logging.getLogger(os.environ["SERVICE"])
port, recipient, count, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
log.info("newsletter run begins, relay 127.0.0.1:%d", port)
for number in range(count):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "news@shop.internal", recipient, f"Issue {number}"
    mail.set_content("n" * 60 + "\n" * 1 + ("w" * 70 + "\n") * (size // 71))
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as server:
            server.send_message(mail)
        log.info("issue %d handed over", number)
    except (smtplib.SMTPException, OSError) as error:
        log.error("issue %d not sent: %r", number, error)
    time.sleep(0.15)
