"""Missing permissions: a read-only database role, and a Kafka with users, ACLs and TLS. One line names the problem and the fix."""

import itertools
import subprocess

import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, KafkaAdminClient, NewTopic, ResourcePattern, ResourceType

from kafka_server import KafkaServer
from pipeline import Pipeline, Psql, csv_of, health_until, values_of
from server_process import free_ports

ROWS = {"A": "1", "B": "2"}
NUMBERS = itertools.count(1)

# The plain listener is for the operator. Users log in by SASL, and by TLS on the third listener. Users have only granted rights.
USERS = """\
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}},LOGIN://127.0.0.1:{login},TLS://127.0.0.1:{tls}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},LOGIN://127.0.0.1:{login},TLS://127.0.0.1:{tls}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT,TLS:SSL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
sasl.enabled.mechanisms=PLAIN
listener.name.login.sasl.enabled.mechanisms=PLAIN
listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_app="app-secret" user_stranger="stranger-secret";
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location={keystore}
"""


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def make_authority(folder, name):
    folder.mkdir()
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", f"/CN={name}", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    return folder / "ca.pem"


def make_keystore(folder):
    """Makes the broker's key and certificate, signed by the authority in that folder."""
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "request.pem")
    openssl("x509", "-req", "-days", 2, "-in", folder / "request.pem", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
            "-extfile", folder / "names", "-out", folder / "cert.pem")
    keystore = folder / "keystore.pem"
    keystore.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return keystore


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A broker that requires authentication."""
    folder = tmp_path_factory.mktemp("guarded")
    authority = make_authority(folder / "authority", "the operator's own")
    login, tls = free_ports(2)
    with KafkaServer(folder / "kafka", more=USERS.format(login=login, tls=tls, keystore=make_keystore(folder / "authority"))) as server:
        server.login, server.tls = f"127.0.0.1:{login}", f"127.0.0.1:{tls}"
        server.authority, server.folder = authority, folder
        yield server


@pytest.fixture
def secured(guarded, postgres, tmp_path):
    made = Pipeline(guarded, postgres, tmp_path, f"secured-{next(NUMBERS)}")
    yield made
    made.end()


def log_in(pipeline, user, password, kafka):
    pipeline.env |= {"KAFKA_BOOTSTRAP_SERVERS": kafka.login, "KAFKA_CONFIG_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_CONFIG_SASL_MECHANISMS": "PLAIN",
                     "KAFKA_CONFIG_SASL_USERNAME": user, "KAFKA_CONFIG_SASL_PASSWORD": password}


def grant(pipeline, user):
    """Grants the rights that a user needs according to docs/operations.md."""
    def acl(kind, name, operation):
        return ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))

    admin = KafkaAdminClient(bootstrap_servers=pipeline.kafka.address)
    admin.create_acls([acl(ResourceType.TOPIC, pipeline.topic, operation) for operation in
                       (ACLOperation.DESCRIBE, ACLOperation.READ, ACLOperation.WRITE, ACLOperation.CREATE)]
                      + [acl(ResourceType.GROUP, pipeline.env["CONSUMER_GROUP"], ACLOperation.READ)])
    admin.close()


def trouble_of(program, words):
    def named(answer):
        return all(word in " ".join(answer["troubles"]) for word in words)

    health = health_until(program, f"{words} are said", named)
    assert health["kafka"] == "DOWN"
    assert len(health["troubles"]) == len(set(health["troubles"])) and "secret" not in " ".join(health["troubles"])
    return health


def check_flow(pipeline, server):
    answer = server.upload_ok(csv_of(ROWS))
    pipeline.check_once([answer])
    assert pipeline.open_rows() == values_of(ROWS)


def test_a_user_with_rights_works_and_one_without_is_told_until_it_has_them(secured, guarded):
    log_in(secured, "stranger", "stranger-secret", guarded)
    server, consumer = secured.serve(), secured.consume()
    assert server.upload(csv_of(ROWS)).json()["status"] == "accepted"
    for program in (server, consumer):
        trouble_of(program, ["grant this user", secured.topic])
    grant(secured, "stranger")
    # The right is used as soon as it is granted, without a restart.
    (upload,) = server.get("/api/v1/uploads")["uploads"]
    secured.wait_applied(server, upload["upload_id"])
    assert secured.open_rows() == values_of(ROWS)
    health_until(consumer, "all is well again", lambda answer: answer["status"] == "UP")


def test_a_wrong_password_of_kafka_is_named(secured, guarded):
    log_in(secured, "app", "wrong", guarded)
    for program in (secured.serve(), secured.consume()):
        trouble_of(program, ["uthentication", "KAFKA_CONFIG_SASL_PASSWORD"])


def test_a_listener_that_wants_a_login_is_named(secured, guarded):
    secured.env["KAFKA_BOOTSTRAP_SERVERS"] = guarded.login
    trouble_of(secured.consume(), ["KAFKA_CONFIG_SECURITY_PROTOCOL"])


def test_tls_with_an_authority_of_ones_own(secured, guarded):
    secured.env |= {"KAFKA_BOOTSTRAP_SERVERS": guarded.tls, "KAFKA_CONFIG_SECURITY_PROTOCOL": "SSL", "KAFKA_CONFIG_SSL_CA_LOCATION": str(guarded.authority)}
    server, _ = secured.serve(), secured.consume()
    check_flow(secured, server)


def test_the_wrong_authority_is_named(secured, guarded):
    wrong = make_authority(secured.folder / "wrong", "somebody else")
    secured.env |= {"KAFKA_BOOTSTRAP_SERVERS": guarded.tls, "KAFKA_CONFIG_SECURITY_PROTOCOL": "SSL", "KAFKA_CONFIG_SSL_CA_LOCATION": str(wrong)}
    for program in (secured.serve(), secured.consume()):
        trouble_of(program, ["certificate", "KAFKA_CONFIG_SSL_CA_LOCATION"])


def test_the_topics_partitions_stay_as_they_are(pipeline):
    client = KafkaAdminClient(bootstrap_servers=pipeline.kafka.address)
    client.create_topics([NewTopic(pipeline.topic, 2, 1)])
    client.close()
    server, consumer = pipeline.serve(), pipeline.consume()
    check_flow(pipeline, server)
    for program in (server, consumer):
        said = [line for line in program.log_path.read_text().splitlines() if "KAFKA_PARTITIONS=3" in line]
        assert len(said) == 1 and "has 2 partitions and keeps them" in said[0], said
    assert {message.partition for message in pipeline.messages()} <= {0, 1}


def test_a_read_only_role_is_told_what_it_lacks_before_the_first_event(pipeline):
    first = pipeline.consume()
    health_until(first, "the schema is made", lambda answer: answer["status"] == "UP")
    first.stop()
    owner = pipeline.sql
    Psql(pipeline.postgres.url()).run("DROP ROLE IF EXISTS viewer")
    owner.run("CREATE ROLE viewer LOGIN PASSWORD 'viewers'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO viewer")
    pipeline.env["DATABASE_URL"] = pipeline.postgres.url(pipeline.database, user="viewer", password="viewers")
    try:
        server, consumer = pipeline.serve(), pipeline.consume()
        health = health_until(consumer, "the rights are missed", lambda answer: answer["database"] == "DOWN")
        trouble = " ".join(health["troubles"])
        assert health["status"] == "DOWN" and "INSERT on cdc_events" in trouble and "GRANT" in trouble and "viewers" not in trouble, health
        upload = server.upload(csv_of(ROWS)).json()
        # serve only reads from the database.
        assert health_until(server, "it reads", lambda answer: answer["database"] == "UP")["status"] == "UP"
        owner.run("GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO viewer")
        pipeline.wait_applied(server, upload["upload_id"])
        assert pipeline.open_rows() == values_of(ROWS)
        # A right that is revoked while it runs is reported too.
        owner.run("REVOKE INSERT ON cdc_events FROM viewer")
        upload = server.upload(csv_of({"A": "3"})).json()
        health_until(consumer, "the right is missed", lambda answer: answer["status"] == "DOWN" and "GRANT" in " ".join(answer["troubles"]))
        owner.run("GRANT INSERT ON cdc_events TO viewer")
        pipeline.wait_applied(server, upload["upload_id"])
    finally:
        pipeline.end()
        owner.run("REASSIGN OWNED BY viewer TO postgres; DROP OWNED BY viewer; DROP ROLE viewer")


def test_a_database_that_is_not_utf8_is_named(pipeline):
    Psql(pipeline.postgres.url()).run(f"CREATE DATABASE {pipeline.database}_latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    pipeline.env["DATABASE_URL"] = pipeline.postgres.url(pipeline.database + "_latin")
    health = health_until(pipeline.consume(), "it is named", lambda answer: answer["database"] == "DOWN")
    trouble = " ".join(health["troubles"])
    assert "LATIN1" in trouble and "createdb --encoding=UTF8" in trouble, trouble


def test_a_lake_that_cannot_be_written_is_named_before_the_first_upload(pipeline):
    (pipeline.folder / "file").write_text("no folder")
    pipeline.env["PARQUET_DIR"] = str(pipeline.folder / "file/lake")
    server, consumer = pipeline.serve(), pipeline.consume()
    health = health_until(consumer, "it is named", lambda answer: "lake: " in " ".join(answer["troubles"]))
    assert health["status"] == "DEGRADED" and "file" in " ".join(health["troubles"]), health
    upload = server.upload(csv_of(ROWS)).json()
    assert pipeline.wait_applied(server, upload["upload_id"], "applied")["in_lake"] is False
    (pipeline.folder / "file").unlink()
    pipeline.wait_applied(server, upload["upload_id"])
    health_until(consumer, "all is well again", lambda answer: answer["status"] == "UP")
