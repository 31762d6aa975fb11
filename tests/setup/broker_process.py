"""One process of the stress on the file broker: `publish FOLDER NAME COUNT` or `consume FOLDER`.

A publisher sends COUNT numbered messages. A consumer prints each message it gets, until it gets `stop`.
"""

import sys
from typing import Any

from kombu import Connection

from mailbox_admin import file_broker

QUEUE = "stress"


def connect(folder: str) -> Connection:
    assert file_broker.Transport.driver_type == "files"
    return Connection("files://localhost", transport_options={"folder": folder, "polling_interval": 0.01})


def publish(folder: str, name: str, count: int) -> None:
    with connect(folder) as broker, broker.SimpleQueue(QUEUE) as queue:
        for number in range(count):
            queue.put(f"{name}-{number}" if name != "stop" else "stop")


def consume(folder: str) -> None:
    with connect(folder) as broker, broker.SimpleQueue(QUEUE) as queue:
        while True:
            message: Any = queue.get(timeout=120)
            message.ack()
            if message.payload == "stop":
                return
            sys.stdout.write(f"{message.payload}\n")


if __name__ == "__main__":
    if sys.argv[1] == "publish":
        publish(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        consume(sys.argv[2])
