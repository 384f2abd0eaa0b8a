"""Work beside the code, where what is private shows up: environment, tokens, hosts, telephone numbers, authors."""

from client.identity import commit_hash
from secrets_invented import OWNER, OWNER_MAIL
from stories.scene import Scene


def environment(scene: Scene) -> None:
    """The code reads another variable than the environment sets."""
    secrets, repo = scene.secrets, scene.repo
    rows = [f"DATABASE_URL={secrets.database_url}", f"API_KEY={secrets.api_key}"]
    rows += [f"SMTP_USER={secrets.robot_mail}", f"SMTP_PASSWORD={secrets.mail_password}"]
    rows += [f"BACKUP_DIR=/home/{secrets.people[0].user}/backups/{repo.name}", "LOG_LEVEL=info"]
    scene.open(more={".env": "\n".join(rows) + "\n"})
    scene.ask(
        "staging uses sqlite instead of postgres. look at .env, i think the variable has another name",
        "the database url from .env is ignored, why? please fix",
        "we dont connect to postgres. check .env against settings.py and fix it",
    )
    scene.desk.bash("cat .env", "Show the environment file")
    scene.desk.grep("os.environ")
    path = f"src/{repo.name}/settings.py"
    scene.desk.read(path)
    scene.desk.edit(path, '"DB_URL"', '"DATABASE_URL"')
    scene.finish("Read DATABASE_URL", "The settings read `DB_URL`, the environment sets `DATABASE_URL`. Fixed.")


def unauthorized(scene: Scene) -> None:
    """A header without its scheme."""
    secrets, repo = scene.secrets, scene.repo
    scene.open()
    url = f"https://{secrets.host}/v1/{repo.functions[0].module}"
    command = f'curl -s -H "Authorization: Bearer {secrets.token}" {url}'
    scene.ask(
        f"this works: {command}\nbut our client gets 401. fix the client",
        f"our client gets a 401 but with curl it works:\n{command}",
    )
    output = f'{{"status":"ok","account":"{secrets.people[0].mail}","items":[]}}'
    scene.desk.bash(command, "Call the API", output)
    scene.desk.grep("Authorization")
    path = f"src/{repo.name}/client.py"
    scene.desk.read(path)
    scene.desk.edit(path, '"Authorization": token', '"Authorization": f"Bearer {token}"')
    scene.finish("Send the Bearer scheme", "The client sent the token without `Bearer`. It sends it now.")


def moved_host(scene: Scene) -> None:
    """A server has another address. Nothing to test."""
    secrets, server = scene.secrets, scene.repo.server
    rows = ["hosts:", f"  - name: {server}", f"    host: {secrets.host}", f"    address: {secrets.old_address}"]
    rows += [f"    contact: {secrets.people[1].mail}", "    port: 22"]
    scene.open(more={"deploy/hosts.yaml": "\n".join(rows) + "\n"})
    scene.ask(
        f"{server} moved to {secrets.new_address}, update the hosts file",
        f"new address of {server} is {secrets.new_address}. please update deploy",
    )
    scene.desk.grep(server)
    scene.desk.read("deploy/hosts.yaml")
    scene.desk.edit("deploy/hosts.yaml", f"address: {secrets.old_address}", f"address: {secrets.new_address}")
    scene.desk.commit("Update deploy/hosts.yaml")
    scene.desk.reply(f"`{server}` has its new address in `deploy/hosts.yaml`.")


def on_call(scene: Scene) -> None:
    """Another telephone number in the docs."""
    one, other = scene.secrets.people
    rows = [
        "# On call",
        "",
        f"Phone: {one.phone}",
        f"Mail: {one.mail}",
        "",
        "Call only when the site is down.",
        f"Runbook: /home/{one.user}/runbook.md",
    ]
    scene.open(more={"docs/oncall.md": "\n".join(rows) + "\n"})
    scene.ask(
        f"on call phone is {other.phone} from today, update the docs",
        f"update the on-call phone in the docs to {other.phone}",
    )
    scene.desk.grep("Phone:")
    scene.desk.read("docs/oncall.md")
    scene.desk.edit("docs/oncall.md", f"Phone: {one.phone}", f"Phone: {other.phone}")
    scene.desk.commit("Update docs/oncall.md")
    scene.desk.reply("The on-call page has the new number.")


def history(scene: Scene) -> None:
    """Who changed a file last? Names and mails of authors."""
    function = scene.pick(scene.repo.functions)
    scene.open()
    path = scene.repo.module(function.module)
    authors = [(person.name, person.mail) for person in scene.secrets.people] + [(OWNER, OWNER_MAIL)]
    scene.rng.shuffle(authors)
    subjects = (f"Fix {function.name}", f"Add {function.name}", f"Start {function.module}")
    log = [
        f"{commit_hash(scene.rng)} {name} <{mail}> {subject}"
        for (name, mail), subject in zip(authors, subjects, strict=True)
    ]
    scene.ask(f"who changed {path} last?", f"git log of {path} pls, who touched it last?")
    scene.desk.bash(f"git log -3 --format='%h %an <%ae> %s' -- {path}", "Show the last commits", "\n".join(log))
    scene.desk.reply(f"The last change is {log[0].split()[0]} by {authors[0][1]}: {subjects[0]}.")
