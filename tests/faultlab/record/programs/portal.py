"""Looks people up in a directory: PORT PASSWORD COUNT."""

import logging
import os
import sys
import time

from ldap3 import ALL_ATTRIBUTES, Connection, Server
from ldap3.core.exceptions import LDAPException

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
)
log = logging.getLogger(os.environ["SERVICE"])
port, password, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
log.info("portal up, directory ldap://127.0.0.1:%d", port)
for number in range(count):
    try:
        with Connection(
            Server("127.0.0.1", port), "cn=portal,dc=shop", password, raise_exceptions=True
        ) as connection:
            connection.search("", "(objectClass=*)", "BASE", attributes=ALL_ATTRIBUTES)
        log.info("person %d looked up", number)
    except LDAPException as error:
        log.error("person %d not looked up: %s", number, error)
    time.sleep(0.1)
