"""People, machines and keys that do not exist: drawn at generation time, so that every one of them can be listed.

Addresses are of kinds that belong to nobody: 192.88.99.0/24 (a relay range given up by RFC 7526), telephone numbers
that British and German regulators keep for films, hosts below .internal. Names, domains and keys are put together by
chance."""

import random
from dataclasses import dataclass

from client.identity import letters

GIVEN = ("Ilse", "Tomke", "Radovan", "Priscilla", "Anselm", "Yevgenia", "Bartolo", "Sunniva", "Okwudili", "Maarit")
FAMILY = (
    "Brandvold",
    "Quistgaard",
    "Zelenkov",
    "Harrowgate",
    "Ndukwe",
    "Tervonen",
    "Castellbran",
    "Oyelaran",
    "Wrenfield",
    "Moosbrugg",
)
DOMAINS = ("quernhollow.io", "thistlemoorworks.dev", "brineandbarrow.net")
LINUX_USER, MAC_USER = "mvolkhart", "mira.volkhart"
OWNER, OWNER_MAIL = "Mira Volkhart", "mira@volkhart-studio.dev"


@dataclass(frozen=True)
class Person:
    name: str
    mail: str
    user: str
    phone: str


@dataclass(frozen=True)
class Secrets:
    """What one repository's sessions may show."""

    people: tuple[Person, ...]
    domain: str
    host: str
    database_password: str
    database_url: str
    api_key: str
    robot_mail: str
    mail_password: str
    token: str
    old_address: str
    new_address: str

    def values(self) -> list[tuple[str, str]]:
        """Every planted value and what it is."""
        found = [(kind, getattr(person, kind)) for person in self.people for kind in ("name", "mail", "user", "phone")]
        keys = ("database_password", "database_url", "api_key", "mail_password", "token")
        places = ("host", "robot_mail", "old_address", "new_address")
        return found + [(name, getattr(self, name)) for name in (*keys, *places)]


OWNERS = (("user", LINUX_USER), ("user", MAC_USER), ("name", OWNER), ("mail", OWNER_MAIL))


def draw(rng: random.Random, repo: str, server: str, number: int) -> Secrets:
    domain = DOMAINS[number % len(DOMAINS)]
    people = tuple(person(rng, domain, 2 * number + place) for place in range(2))
    password, host = letters(rng, 18), f"{server}.{domain.split('.')[0]}.internal"
    key = f"{rng.getrandbits(160):040x}" if number % 2 else letters(rng, 36)
    addresses = [f"192.88.99.{last}" for last in rng.sample(range(2, 250), 2)]
    return Secrets(
        people=people,
        domain=domain,
        host=host,
        database_password=password,
        database_url=f"postgres://{repo}_app:{password}@{host}:5432/{repo}",
        api_key=key,
        robot_mail=f"{repo}.mail@{domain}",
        mail_password=letters(rng, 20),
        token=letters(rng, 43),
        old_address=addresses[0],
        new_address=addresses[1],
    )


def person(rng: random.Random, domain: str, number: int) -> Person:
    """Numbers keep the ten given and ten family names in pairs that do not repeat."""
    given, family = GIVEN[number % 10], FAMILY[(number + number // 10 * 3) % 10]
    london, berlin = f"+44 20 7946 0{rng.randint(100, 999)}", f"+49 30 23125 {rng.randint(100, 999)}"
    user = (given[0] + family).lower()
    return Person(f"{given} {family}", f"{given}.{family}@{domain}".lower(), user, rng.choice([london, berlin]))
