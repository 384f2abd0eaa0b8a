"""Which commands run tests."""

import pytest

from bashgym.signals.runners import Runner, covers, runner
from bashgym.signals.shell import split

RUN = """
cd x && pytest -q | tail -5                 pytest
python3 -m pytest tests/a.py -k 'foo'       pytest
uv run --with pytest pytest                 pytest
poetry run python -m unittest discover      unittest
docker compose exec -T web pytest -q        pytest
docker run --rm -v a:b image pytest         pytest
sudo -u app python -m pytest                pytest
coverage run -m pytest                      pytest
npx jest --coverage src/a.test.ts           jest
pnpm exec vitest run                        vitest
npm test                                    any
npm t                                       any
npm run test:unit -- --watch=false          any
npm --prefix web test                       any
pnpm --filter web test                      any
yarn workspace web test                     any
cargo test --workspace                      cargo
cargo +nightly test                         cargo
cargo nextest run                           cargo
go test ./...                               go
mise run test:ci                            any
make -C sub test                            any
make check                                  any
./gradlew :app:testDebug                    gradle
mvn -q verify                               maven
bundle exec rspec spec                      rspec
python manage.py test app                   any
python tests/test_cart.py                   any
./run_tests.sh                              any
bash -lc 'tox -e py311'                     tox
env CI=1 timeout 60 npm test                any
timeout 300 mix test --seed 0               exunit
node --test                                 node
vendor/bin/phpunit                          phpunit
"""
NO_RUN = """
pytest --version
pytest --collect-only -q
cat tests/test_a.py
grep -rn test .
npm install jest
npm ls jest
npm run build
npm run typecheck
yarn add jest
uv pip install pytest
uv tool install pytest
poetry add pytest
git commit -m "make test pass"
mvn -q package -DskipTests
gradle build -x test
cargo build
cargo test --no-run
go build ./...
go test -c
pip install pytest
ls tests
test -f x
echo pytest
which pytest
docker build -t test .
find . -name '*.test.ts'
rm -rf test
"""


def started(line: str) -> list[Runner]:
    return [found for found in map(runner, split(line)) if found]


@pytest.mark.parametrize("line", RUN.strip().splitlines())
def test_runs(line: str):
    command, family = line[:43].strip(), line[43:].strip()
    assert [found.family for found in started(command)] == [family]


@pytest.mark.parametrize("line", NO_RUN.strip().splitlines())
def test_runs_no_tests(line: str):
    assert started(line) == []


def test_selectors_are_what_narrows_a_run():
    only = started("pytest -p no:cacheprovider --cov src -n 4 -k foo tests/a.py -q")[0]
    assert only.selectors == ("foo", "tests/a.py")
    assert started("go test -run=TestX ./...")[0].selectors == ("TestX",)
    assert started("npm run test:ci")[0].selectors == ("test:ci",)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("pytest", "pytest tests/a.py", True),
        ("pytest tests", "pytest tests/a.py", True),
        ("pytest tests/a.py", "pytest", False),
        ("pytest tests/a.py", "pytest tests/b.py", False),
        ("make test", "pytest tests/a.py", True),
        ("cargo test", "pytest", False),
    ],
)
def test_a_pass_speaks_for_narrower_runs_only(wide: str, narrow: str, expected: bool):
    assert covers(started(wide)[0], started(narrow)[0]) is expected
