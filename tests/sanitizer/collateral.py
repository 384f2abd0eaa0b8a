# ruff: noqa: E501
"""Texts in which nothing is private, written or made for these tests: what sanitizers must leave as it is."""

import base64
import json
import random
import string
from collections.abc import Callable, Iterator

WORDS = [
    "cache",
    "router",
    "batch",
    "token",
    "parser",
    "stream",
    "worker",
    "signal",
    "vector",
    "schema",
    "bucket",
    "kernel",
    "socket",
    "buffer",
    "thread",
    "filter",
    "cursor",
    "widget",
    "handle",
    "layout",
    "packet",
    "record",
    "schedule",
    "counter",
    "session",
    "profile",
    "channel",
    "matrix",
    "lattice",
]
HEXADECIMAL = "0123456789abcdef"
BASE64 = string.ascii_letters + string.digits + "+/"


class Maker:
    """Random material from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def word(self) -> str:
        return self.random.choice(WORDS)

    def letters(self, alphabet: str, length: int) -> str:
        return "".join(self.random.choices(alphabet, k=length))

    def number(self, most: int) -> int:
        return self.random.randint(0, most)

    def version(self) -> str:
        return f"{self.number(12)}.{self.number(40)}.{self.number(9)}"

    def camel(self) -> str:
        return self.word() + self.word().title() + self.random.choice(["", "", "Utf8", "2D", "V2", "Int32"])

    def pascal(self) -> str:
        name = self.camel()
        return name[:1].upper() + name[1:]

    def snake(self) -> str:
        return f"{self.word()}_{self.word()}{self.random.choice(['', '', '_v2', '_u8', '_x86_64'])}"

    def sha(self, size: int) -> str:
        return base64.b64encode(self.random.randbytes(size)).decode()


def package_lock(make: Maker) -> str:
    packages = {
        f"node_modules/@{make.word()}/{make.word()}-{make.word()}": {
            "version": make.version(),
            "resolved": f"https://registry.example.org/{make.word()}/-/{make.word()}-{make.version()}.tgz",
            "integrity": f"sha512-{make.sha(64)}",
            "engines": {"node": ">=18"},
        }
        for _ in range(40)
    }
    return json.dumps({"name": "app", "lockfileVersion": 3, "packages": packages}, indent=2)


def other_locks(make: Maker) -> str:
    yarn = "".join(
        f'"{make.word()}-{make.word()}@^{make.version()}":\n  version "{make.version()}"\n'
        f"  integrity sha512-{make.sha(64)}\n\n"
        for _ in range(20)
    )
    cargo = "".join(
        f'[[package]]\nname = "{make.word()}-{make.word()}"\nversion = "{make.version()}"\n'
        f'source = "registry+https://example.org/index"\nchecksum = "{make.letters(HEXADECIMAL, 64)}"\n\n'
        for _ in range(20)
    )
    go = "".join(
        f"github.com/{make.word()}/{make.word()} v{make.version()} h1:{make.sha(32)}\n"
        f"github.com/{make.word()}/{make.word()} v{make.version()}/go.mod h1:{make.sha(32)}\n"
        for _ in range(20)
    )
    poetry = "".join(
        f'{{file = "{make.word()}-{make.version()}-py3-none-any.whl", hash = "sha256:{make.letters(HEXADECIMAL, 64)}"}},\n'
        for _ in range(20)
    )
    return yarn + cargo + go + poetry


def minified(make: Maker) -> str:
    def statement() -> str:
        a, b, c = (make.letters(string.ascii_lowercase, 1) for _ in range(3))
        return make.random.choice(
            [
                f"function {a}({b},{c}){{return {b}.{make.camel()}?{c}.{make.camel()}+{make.number(99)}:{a}({c},{b}.key)}}",
                f'if({a}.key==="{make.word()}"||{b}.keyCode==={make.number(99)})return {c}.{make.camel()}({a}?.{make.word()});',
                f"var {a}=Object.freeze({{{make.word()}:{b}.{make.camel()},token:{c}.{make.camel()},password:!0}});",
                f'{a}.prototype.{make.camel()}=function({b}){{this.state.{make.word()}Key={b}.{make.camel()},this.set("{make.camel()}")}};',
                f'{c}.tokenizer=new {make.pascal()}({{type:"{make.word()}",key:{b}[{make.number(9)}]}});',
            ]
        )

    return "".join(statement() for _ in range(120))


def kubernetes(make: Maker) -> str:
    return "---\n".join(
        f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {make.word()}-{make.word()}
  uid: {make.letters(HEXADECIMAL, 8)}-{make.letters(HEXADECIMAL, 4)}-4{make.letters(HEXADECIMAL, 3)}-a{make.letters(HEXADECIMAL, 3)}-{make.letters(HEXADECIMAL, 12)}
  labels: {{app.kubernetes.io/name: {make.word()}, pod-template-hash: "{make.letters(string.digits + "bcdf", 9)}"}}
spec:
  template:
    spec:
      serviceAccountName: {make.word()}-runner
      containers:
        - name: {make.word()}
          image: ghcr.io/{make.word()}/{make.word()}@sha256:{make.letters(HEXADECIMAL, 64)}
          env:
            - name: {make.word().upper()}_API_KEY
              valueFrom: {{secretKeyRef: {{name: {make.word()}-credentials, key: api-token}}}}
            - name: POD_IP
              valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}
          ports: [{{containerPort: {make.number(9000)}}}]
          volumeMounts: [{{name: tls-secret, mountPath: /etc/{make.word()}/tls}}]
      clusterIP: 10.{make.number(255)}.{make.number(255)}.{make.number(255)}
"""
        for _ in range(12)
    )


def go_code(make: Maker) -> str:
    return "\n".join(
        f"""// {make.pascal()} keeps the {make.word()} of one {make.word()}; see RFC 7519 section 4.1.{make.number(9)}.
type {make.pascal()} struct {{
	{make.pascal()} string `json:"{make.snake()},omitempty"`
	accessToken, refreshToken string
}}

func (s *{make.pascal()}) {make.pascal()}(ctx context.Context, token string) (*{make.pascal()}, error) {{
	if token == "" || s.accessToken != token {{
		return nil, fmt.Errorf("{make.word()}: %w", errInvalidToken)
	}}
	password := os.Getenv("{make.word().upper()}_PASSWORD")
	return s.{make.camel()}.{make.pascal()}(ctx, password, 0x{make.letters(HEXADECIMAL, 8)}, {make.number(10**6)})
}}
"""
        for _ in range(14)
    )


def rust_code(make: Maker) -> str:
    return "\n".join(
        f"""/// Reads the {make.word()} of a {make.word()}.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct {make.pascal()}<'a, T: {make.pascal()} + Send> {{ pub {make.snake()}: &'a [u8], secret_key: Option<T> }}

impl<'a, T: {make.pascal()} + Send> {make.pascal()}<'a, T> {{
    pub fn {make.snake()}(&self, key: &str) -> Result<{make.pascal()}, Error> {{
        let token = self.secret_key.as_ref().ok_or(Error::MissingToken)?;
        let password = env::var("{make.word().upper()}_PASSWORD").unwrap_or_default();
        debug_assert_eq!(token.{make.snake()}(key)?, {make.number(999)}_u32, "{make.word()} {{}}", key);
        Ok({make.pascal()}::{make.snake()}(token, &password, 0b1010_1010, 1_000_{make.number(9)}00))
    }}
}}
"""
        for _ in range(14)
    )


GERMAN = (
    "Der Zwischenspeicher wird beim Start der Anwendung geleert, damit veraltete Einträge keine Fehler verursachen.",
    "Benutzerfreundlichkeitsverbesserungen stehen im Änderungsprotokoll, die Fehlerbehebungsmaßnahmen darunter.",
    "Das Passwort wird nie gespeichert; der Schlüssel liegt im Geheimnisverwaltungsdienst des jeweiligen Clusters.",
    "Bei der Datenschutzgrundverordnungsprüfung wurde festgestellt, dass die Aufbewahrungsfristen eingehalten werden.",
    "Rufen Sie die Funktion mit den Koordinaten 52,5200 und 13,4050 auf und prüfen Sie Zeile 1024 der Ausgabe.",
    "Ein Token kostet weniger als 0,002 Cent; für 1.000.000 Zeichen sind es am 03.11.2025 rund 12.500 Aufrufe.",
)
CHINESE = (
    "缓存会在应用启动时清空，以避免过期的条目引起错误。",
    "令牌只保存在内存中，密码永远不会写入日志文件。",
    "请在配置文件中设置环境变量，然后重新运行测试脚本，结果应为 128 行。",
    "这个函数接受两个参数：路径（path）和密钥名称（key），返回一个布尔值。",
    "版本 3.11.7 修复了路由器在 2025年11月3日 发现的内存泄漏问题。",
)


def prose(sentences: tuple[str, ...]) -> Callable[[Maker], str]:
    return lambda make: " ".join(make.random.choice(sentences) for _ in range(60))


KINDS: dict[str, Callable[[Maker], str]] = {
    "package-lock.json": package_lock, "other lock files": other_locks, "minified JavaScript": minified,
    "Kubernetes": kubernetes, "Go": go_code, "Rust": rust_code, "German": prose(GERMAN), "Chinese": prose(CHINESE),
}  # fmt: skip


def texts(kind: str, characters: int, seed: int = 1) -> Iterator[str]:
    """Texts of a kind, together about so many characters."""
    make, made = Maker(seed), 0
    while made < characters:
        text = KINDS[kind](make)
        made += len(text)
        yield text
