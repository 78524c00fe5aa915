"""A copilot with an admin, a host and an agent, one for all tests of agents in a process: it takes seconds to make."""

import os
import pathlib
import re
import tempfile

import pytest

from agent import Agent
from copilot import Copilot
from hosts import SSHHost


class House:
    """A copilot with an admin, a host and an agent, for all tests of this file."""

    def __init__(self, folder, account):
        self.folder = pathlib.Path(folder)
        self.host = SSHHost(self.folder / "host", account).start()
        self.copilot = Copilot(self.folder / "copilot")
        self.copilot.password = self.copilot.add_user("ada")
        self.copilot.start()
        self.copilot.add_host("web-1", self.host)
        self.home = account.home
        self.account = account
        self.agent = Agent.make(self.copilot)

    def stop(self):
        self.agent.hang_up()
        self.copilot.kill()
        self.host.stop()


@pytest.fixture(scope="session")
def agent_house(account):
    with tempfile.TemporaryDirectory(prefix="copilot-e2e-agents-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        made = House(folder, account)
        yield made
        made.stop()


@pytest.fixture
def house(agent_house):
    return agent_house


@pytest.fixture
def ada(house):
    return house.copilot.person("ada", house.copilot.password)


@pytest.fixture
def agent(house):
    return house.agent


@pytest.fixture
def enter(agent, ada):
    """Lets the agent in: ``enter("supervised", sudo="allow")``. Its sessions end with the test."""
    entered = []

    def make(mode="trusted", **grant):
        entered.append(agent.enter(ada, mode, **grant))
        return entered[-1]

    yield make
    for session in entered:
        ada.end_session(session.id)


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def running(mark):
    """Processes of this machine whose command line has a mark."""
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and mark.encode() in command_line(pid)]


def resident(copilot):
    status = pathlib.Path(f"/proc/{copilot.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) << 10
