"""Fixtures: real hosts, a real copilot, a real browser. Each test has its own folder, and everything is stopped by pid."""

import itertools
import pathlib
import tempfile

import pytest

from agent_house import agent_house  # noqa: F401
from copilot import BINARY, PAGE, Copilot
from hosts import Account, SSHHost
from proxy import Proxy

pytest_plugins = ["browser"]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; only with ./test --full")


@pytest.fixture(scope="session", autouse=True)
def built():
    assert BINARY.exists(), f"{BINARY} is missing: run ./test, which builds it"
    assert (PAGE / "index.html").exists(), f"{PAGE} is missing: run scripts/build-web"


@pytest.fixture
def folder():
    """Directly below /tmp, since sshd wants every folder above its keys closed to others."""
    with tempfile.TemporaryDirectory(prefix="copilot-e2e-", dir="/tmp") as path:
        yield pathlib.Path(path)


@pytest.fixture(scope="session")
def account():
    with tempfile.TemporaryDirectory(prefix="copilot-e2e-account-", dir="/tmp") as path:
        pathlib.Path(path).chmod(0o755)
        made = Account(path)
        yield made
        made.remove()


class Sudoer:
    """What sudo lets the account do."""

    def __init__(self, account):
        self.account = account
        self.line = pathlib.Path(f"/etc/sudoers.d/{account.name}")

    def allow(self, more=""):
        self.forbid()
        self.line.write_text(f"{self.account.name} ALL=(ALL) {more}ALL\n")
        self.line.chmod(0o440)

    def forbid(self):
        self.line.unlink(missing_ok=True)


@pytest.fixture
def sudoer(account):
    """The account may become root, with its password."""
    made = Sudoer(account)
    made.allow()
    yield made
    made.forbid()


@pytest.fixture
def make_host(folder, account):
    """Starts SSH hosts: ``make_host()``, ``make_host(options="Ciphers aes256-ctr")``."""
    hosts, numbers = [], itertools.count(1)

    def make(options="", start=True):
        host = SSHHost(folder / f"host{next(numbers)}", account, options)
        hosts.append(host)
        return host.start() if start else host

    yield make
    for host in hosts:
        host.stop()


@pytest.fixture
def host(make_host):
    return make_host()


@pytest.fixture
def make_copilot(folder):
    copilots, numbers = [], itertools.count(1)

    def make(*flags, start=True, env=None):
        made = Copilot(folder / f"copilot{next(numbers)}", flags, env)
        copilots.append(made)
        return made.start() if start else made

    yield make
    for made in copilots:
        if made.process is not None and not made.process.has_ended:
            made.process.kill()


@pytest.fixture
def copilot(make_copilot):
    """A running copilot with an admin, `ada`."""
    made = make_copilot(start=False)
    made.password = made.add_user("ada")
    return made.start()


@pytest.fixture
def ada(copilot):
    return copilot.person("ada", copilot.password)


@pytest.fixture
def ready(copilot, host):
    """The same with a host, `web-1`, whose password the copilot has, and which the role ml-ops works on."""
    copilot.add_host("web-1", host, ("--password-stdin", "--tag", "gpu"))
    return copilot


@pytest.fixture
def make_proxy():
    proxies = []

    def make(port):
        proxies.append(Proxy(port).start())
        return proxies[-1]

    yield make
    for made in proxies:
        made.stop()
