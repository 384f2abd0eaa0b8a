"""Where secrets stand in coding sessions: one value put into the forms in which tools print, store and send it."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

# name = text; @@ is the value, NUL the character
LINES = r"""
history_export=: 1699999999:0;export DB_PASSWORD=@@
export_quoted=export API_TOKEN='@@'
mysql_p=mysql -u root -p@@ shop
mysql_pq=mysql -uroot -p'@@' -h db shop
psql_dsn=psql "host=db user=app password=@@ dbname=shop"
pgpassword=PGPASSWORD=@@ psql -h db -U app shop
pgpassword_q=PGPASSWORD='@@' pg_dump -h db
redis_a=redis-cli -h cache -a @@ ping
mongo_p=mongosh --host db -u admin -p @@ --authenticationDatabase admin
curl_u=curl -sS -u deploy:@@ https://api.kestrel.systems/v1
curl_u_q=curl -u 'deploy:@@' https://api.kestrel.systems/v1
curl_key=curl -H "X-API-Key: @@" https://api.kestrel.systems
curl_auth=curl -H 'Authorization: token @@' https://api.kestrel.systems
curl_private=curl --header "PRIVATE-TOKEN: @@" https://git.kestrel.systems/api/v4
curl_data=curl -d '{"username":"app","password":"@@"}' https://api.kestrel.systems/login
curl_form=curl -d 'username=app&password=@@' https://api.kestrel.systems/login
curl_cookie=curl --cookie 'session=@@; theme=dark' https://kestrel.systems
sshpass=sshpass -p '@@' ssh deploy@10.0.0.4
sshpass_glued=sshpass -p@@ ssh deploy@10.0.0.4
docker_login=docker login -u deploy -p @@ registry.kestrel.systems
docker_stdin=echo @@ | docker login -u deploy --password-stdin
docker_stdin_q=echo "@@" | docker login -u deploy --password-stdin
sudo_s=echo '@@' | sudo -S apt-get install jq
htpasswd=htpasswd -b .htpasswd deploy @@
openssl_k=openssl enc -aes-256-cbc -k @@ -in a -out b
openssl_pass=openssl rsa -in key.pem -passin pass:@@
gpg=gpg --batch --passphrase @@ -d secrets.gpg
wget=wget --user=deploy --password=@@ https://kestrel.systems/a.tgz
aws_configure=aws configure set aws_secret_access_key @@
gh_secret=gh secret set DEPLOY_KEY --body @@
gh_secret_b=gh secret set DEPLOY_KEY -b"@@"
herestring=gh auth login --with-token <<< "@@"
heroku=heroku config:set SECRET_KEY_BASE=@@ --app shop
fly=fly secrets set DATABASE_PASSWORD=@@
kubectl_literal=kubectl create secret generic db --from-literal=password=@@
vault_put=vault kv put secret/shop password=@@
vault_login=vault login @@
helm=helm upgrade shop ./chart --set db.password=@@
tf_var=terraform apply -var db_password=@@
tf_var_q=terraform apply -var="db_password=@@"
docker_e=docker run -e POSTGRES_PASSWORD=@@ -d postgres:16
npm_config=npm config set //registry.example.org/:_authToken @@
git_remote=git remote add origin https://deploy:@@@git.kestrel.systems/shop.git
alter_user=ALTER USER app WITH PASSWORD '@@';
create_user=CREATE USER 'app'@'%' IDENTIFIED BY '@@';
chpasswd=echo "deploy:@@" | chpasswd
ldap=ldapsearch -x -D cn=admin,dc=k -w @@ -b dc=k
rdp=xfreerdp /v:host /u:deploy /p:@@
netuse=net use Z: \\files\share /user:deploy @@
option_key=shopctl sync --api-key @@ --verbose
option_eq=shopctl sync --client-secret=@@
az_login=az login --service-principal -u 7a1b -p @@ --tenant kestrel
ps_env=$env:API_TOKEN = "@@"
setx=setx API_TOKEN @@
cmd_set=set API_TOKEN=@@
ps_secure=$s = ConvertTo-SecureString "@@" -AsPlainText -Force
fish=set -gx API_TOKEN @@
csh=setenv API_TOKEN @@
cat_n=     3→DB_PASSWORD=@@
cat_n_tab=     3	DB_PASSWORD=@@
grep_env=./.env:3:DB_PASSWORD=@@
diff_plus=+DB_PASSWORD=@@
diff_minus=-    password: @@
diff_json=+    "password": "@@",
docker_env_line=            "POSTGRES_PASSWORD=@@",
printenv=HOME=/root DB_PASSWORD=@@ SHLVL=1
ps_aux=root  1 0.0 /usr/bin/shopd --port 80 --password=@@ --debug
systemd=Environment="API_TOKEN=@@"
dockerfile=ENV API_TOKEN @@
dockerfile_eq=ENV API_TOKEN=@@
dockerfile_arg=ARG NPM_TOKEN=@@
make=API_TOKEN := @@
make_q=API_TOKEN ?= @@
pg_url=postgresql://app:@@@db.kestrel.systems:5432/shop
mysql_url=mysql+pymysql://app:@@@db/shop
mongo_url=mongodb+srv://app:@@@cluster0.ab1cd.mongodb.net/shop
amqp_url=amqp://app:@@@mq:5672/%2f
redis_url=redis://:@@@cache:6379/0
mssql=Server=db;Database=shop;User Id=sa;Password=@@;Encrypt=True;
pwd_conn=Data Source=db;Uid=sa;Pwd=@@;
azure_conn=DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=@@;EndpointSuffix=core.windows.net
jdbc_query=jdbc:postgresql://db/shop?user=app&password=@@
jdbc_oracle=jdbc:oracle:thin:scott/@@@//db:1521/shop
pgpass=db.kestrel.systems:5432:shop:app:@@
npmrc=//registry.example.org/:_authToken=@@
pypirc=password = @@
netrc=machine git.kestrel.systems login deploy password @@
git_credentials=https://deploy:@@@git.kestrel.systems
my_cnf=password=@@
wp_config=define('DB_PASSWORD', '@@');
rails=  secret_key_base: @@
spring=spring.datasource.password=@@
yaml_pw=  password: @@
yaml_pw_q=  password: "@@"
yaml_token=  api_token: @@
xml_el=<password>@@</password>
xml_add=<add key="ApiToken" value="@@"/>
xml_prop=<property name="password" value="@@"/>
toml=token = "@@"
hcl=  password = "@@"
props=api.key=@@
http_x=> X-Auth-Token: @@
http_cookie=Cookie: sid=@@; theme=dark
http_setcookie=< set-cookie: session=@@; Path=/; HttpOnly
http_apim=Ocp-Apim-Subscription-Key: @@
http_apikey=apikey: @@
http_goog=x-goog-api-key: @@
k8s_json_env={"name": "DB_PASSWORD", "value": "@@"}
k8s_kv_json={"key": "api_token", "value": "@@"}
k8s_value_first={"value": "@@", "name": "DB_PASSWORD"}
csv_md=| db password | @@ |
prose_is=the password is @@
prose_for=Password for admin: @@
prose_use=log in as admin with password @@ and look
prose_pw=pw: @@
prose_de=Passwort: @@
prose_de2=das Kennwort ist @@
prose_fr=mot de passe : @@
prose_es=contraseña: @@
prose_tok=my token is @@, please use it
prose_key=here is the API key: @@
prose_slash=login: admin / @@
form_body=username=app&password=@@&remember=1
query=https://api.kestrel.systems/v1/items?page=2&api_key=@@
sig=https://store.kestrel.systems/a.zip?se=2027&sp=r&sig=@@
ansible=ansible_password: @@
add_mask=::add-mask::@@
supervisor=environment=API_TOKEN="@@",HOME="/root"
py_assign=password = '@@'
py_bytes=password = b'@@'
py_bytes_bare=SECRET_KEY = b"@@"
py_dict={'user': 'app', 'password': '@@'}
py_call=client = Client(user='app', password='@@', timeout=3)
py_positional=conn.login("app", "@@")
py_tuple=[('password', '@@'), ('user', 'app')]
py_environ=os.environ["API_KEY"] = "@@"
py_environ_repr=environ({'HOME': '/root', 'API_KEY': '@@'})
py_getenv=token = os.getenv("API_TOKEN", "@@")
py_auth=requests.get(url, auth=("deploy", "@@"))
py_headers=headers = {"X-Api-Key": "@@"}
py_secretstr=settings = Settings(api_key=SecretStr('@@'))
py_ns=Namespace(host='db', token='@@', verbose=True)
ts_typed=const token: string = "@@";
ts_template=const apiKey = `@@`
ts_or=const secret = process.env.SECRET || "@@";
ts_nullish=const secret = process.env.SECRET ?? '@@'
js_cookie=document.cookie = "token=@@"
js_storage=localStorage.setItem("token", "@@")
js_bearer=headers: { Authorization: `Bearer @@` }
go_field=	Password: "@@",
go_const=const apiKey = "@@"
rust_let=let api_token = "@@";
java_set=dataSource.setPassword("@@");
java_builder=.password("@@")
java_prop=System.setProperty("api.token", "@@");
ruby_hash=:password => '@@'
php_arr='password' => '@@',
c_define=#define WIFI_PASSWORD "@@"
sql_insert=INSERT INTO users (email, password) VALUES ('a@example.com', '@@');
sql_set=UPDATE users SET password = '@@' WHERE id = 1;
graphql=mutation { login(user: "app", password: "@@") { ok } }
registry="Password"="@@"
nullbytes=HOME=/root{NUL}DB_PASSWORD=@@{NUL}SHLVL=1
strace=write(3, "password=@@\n", 42) = 42
escaped_json="{\"user\":\"app\",\"password\":\"@@\"}"
escaped_json2="{\\\"user\\\":\\\"app\\\",\\\"password\\\":\\\"@@\\\"}"
log_line=2026-01-01 12:00:00 INFO login user=app password=@@ ip=10.0.0.1
log_got=got access_token @@ from the identity server
otpauth=otpauth://totp/Shop:app?secret=@@&issuer=Shop
terraform_out=db_password = "@@"
terraform_attr=            "password": "@@",
docker_auth_user=  "identitytoken": "@@"
kube_token=    token: @@
kube_client_key=    client-secret: @@
systemctl=     └─842 /usr/bin/agent -token @@
jenkins=withCredentials([string(credentialsId: 'x', variable: 'TOKEN')]) { sh 'deploy --token @@' }
wifi=psk="@@"
wpa=wpa_passphrase homenet @@
irc=/msg NickServ IDENTIFY @@
smtp=AUTH LOGIN @@
ftp=ftp://deploy:@@@files.kestrel.systems/x
rsync=RSYNC_PASSWORD=@@ rsync -a a b
borg=BORG_PASSPHRASE='@@' borg create
mysqldump=MYSQL_PWD=@@ mysqldump shop
cryptsetup=echo -n "@@" | cryptsetup open /dev/sdb1 data
"""


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def numbered(text: str) -> str:
    """As JSON may write any letter."""
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def lines(value: str) -> Iterator[tuple[str, Any]]:
    """Name and text of the one-line placements."""
    for line in LINES.strip().splitlines():
        name, text = line.split("=", 1)
        yield name, text.replace("{NUL}", "\0").replace("@@", value)


def structures(v: str) -> Iterator[tuple[str, Any]]:
    """Name and JSON value of the others."""
    yield "docker_inspect", {"Config": {"Env": ["PATH=/usr/bin", f"POSTGRES_PASSWORD={v}"]}}
    yield (
        "k8s_yaml",
        f"apiVersion: v1\nkind: Secret\ndata:\n  password: {b64(v)}\n  username: {b64('app')}\nmetadata:\n  name: db\n",
    )
    yield "k8s_yaml_plainkey", f"apiVersion: v1\ndata:\n  db: {b64(v)}\nkind: Secret\nmetadata:\n  name: db\n"
    yield "k8s_json", {"kind": "Secret", "data": {"password": b64(v), "other": b64(v)}}
    yield "k8s_jsontext", json.dumps({"kind": "Secret", "data": {"db": b64(v)}}, indent=2)
    yield "k8s_stringdata", f"kind: Secret\nstringData:\n  db: {v}\n"
    yield "docker_auth", json.dumps({"auths": {"registry.kestrel.systems": {"auth": b64(f"deploy:{v}")}}})
    yield "basic", f"Authorization: Basic {b64('deploy:' + v)}"
    yield "proxy_basic", f"proxy-authorization: basic {b64('deploy:' + v)}"
    yield (
        "tfstate",
        json.dumps(
            {
                "resources": [
                    {
                        "type": "random_password",
                        "instances": [{"attributes": {"length": 16, "result": v, "special": True}}],
                    }
                ]
            },
            indent=2,
        ),
    )
    yield "tfstate_db", json.dumps({"attributes": {"master_password": v, "username": "app"}}, indent=2)
    yield "url_encoded", f"https://kestrel.systems/login?user=app&password={quote(v, safe='')}"
    yield (
        "url_encoded_url",
        f"https://sso.kestrel.systems/?next={quote(f'https://app:{v}@db.kestrel.systems/x', safe='')}",
    )
    yield "u_escaped", f'{{"password": "{numbered(v)}"}}'
    yield "u_escaped_json_in_json", json.dumps({"body": f'{{"password": "{numbered(v)}"}}'})
    yield (
        "notebook",
        {
            "cells": [
                {
                    "cell_type": "code",
                    "source": ["import os\n", f"api_key = '{v}'\n", "print(api_key)\n"],
                    "outputs": [{"text": [f"{v}\n"]}],
                }
            ]
        },
    )
    yield "list_argv", {"command": ["mysql", "-u", "root", "--password", v]}
    yield "list_argv_glued", {"command": ["shopctl", f"--token={v}"]}
    yield "json_name_value", {"name": "DB_PASSWORD", "value": v}
    yield "json_key_value", {"key": "API_TOKEN", "value": v}
    yield "json_env_obj", {"env": {"API_TOKEN": v}}
    yield "json_password", {"password": v}
    yield "json_camel", {"dbPassword": v, "user": "app"}
    yield "yaml_block", f"password: |\n  {v}\nuser: app\n"
    yield "yaml_fold", f"password: >-\n  {v}\nuser: app\n"
    yield "yaml_env", f"env:\n  - name: DB_PASSWORD\n    value: {v}\n"
    yield "yaml_env_q", f'env:\n  - name: DB_PASSWORD\n    value: "{v}"\n'
    yield "multipart", f'Content-Disposition: form-data; name="password"\r\n\r\n{v}\r\n--x--'
    yield "netrc_lines", f"machine h\n  login deploy\n  password {v}\n"
    yield "aws_file", f"[default]\naws_access_key_id = AKIAQ3EGRTNO5VWYZ7AB\naws_secret_access_key = {v}\n"
    yield "csv", f"email,password,role\na@example.com,{v},admin\n"
    yield "prompt", f"$ sudo -k; sudo ls\nPassword: {v}\n"
    yield "read_prompt", f"Enter your API token: {v}\nok\n"
    yield "heredoc", f"cat > .env <<EOF\nDB_USER=app\nDB_PASSWORD={v}\nEOF"
    yield "diff_patch", f"@@ -1,3 +1,3 @@\n DB_USER=app\n-DB_PASSWORD=old\n+DB_PASSWORD={v}\n"
    yield "ansi", f"\x1b[32mDB_PASSWORD\x1b[0m=\x1b[33m{v}\x1b[0m"
    yield "jsonl_in_string", json.dumps(json.dumps({"env": {"API_TOKEN": v}}))
    yield "describe", f"Environment:\n      DB_PASSWORD:  {v}\n      PORT: 80\n"
    yield "compose", f"    environment:\n      - POSTGRES_PASSWORD={v}\n"
    yield "compose_map", f"    environment:\n      POSTGRES_PASSWORD: {v}\n"
    yield (
        "table",
        f"+------+----------+\n| user | password |\n+------+----------+\n| app  | {v} |\n",
    )
    yield "psql_table", f" user | password \n------+----------\n app  | {v}\n"
    yield "html_input", f'<input type="password" name="pw" value="{v}">'
    yield "html_json", f"&quot;password&quot;:&quot;{v}&quot;"
    yield "py_repr_bytes_json", repr(json.dumps({"password": v}).encode())
    yield "header_tuple", [["x-api-key", v], ["accept", "*/*"]]
    yield "header_list", {"headers": [{"name": "Authorization", "value": f"Bearer {v}"}]}
    yield "powershell_splat", f"@{{ User = 'app'; Password = '{v}' }}"
    yield "base64_env", f"DB_PASSWORD_B64={b64(v)}"
    yield "base64_script", f"echo {b64(f'password={v}')} | base64 -d"
    yield "hex_dump", f"password = bytes.fromhex('{v.encode().hex()}')"
    yield "rot_comment", f"# old password: {v}"
    yield "git_config", f'[remote "origin"]\n\turl = https://deploy:{v}@git.kestrel.systems/shop.git\n'
    yield "wrapped_json", '{\n  "api_token":\n    "' + v + '"\n}'
    yield "assign_next_line", f"API_TOKEN = (\n    '{v}'\n)"
    yield "split_json_lines", {"lines": ["[db]", f"password = {v}", "user = app"]}
