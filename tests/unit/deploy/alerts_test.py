"""deploy/alerts.yaml by Prometheus' own tester: what pages, when, and what does not."""

import json
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path.append(str(TESTS / "support"))

from promtool import ROOT, promtool  # noqa: E402

RULES = ROOT / "deploy/alerts.yaml"
UNKNOWN = " ".join(["NaN"] * 41)
GOOD = {
    'up{job="deltadrop",instance="serve"}': "1x60",
    'deltadrop_uploads_total{instance="serve",result="failed"}': "0x60",
    'deltadrop_uploads_total{instance="serve",result="published"}': "0+7x60",
    'deltadrop_http_requests_total{instance="serve",status="200"}': "0+70x60",
    'deltadrop_kafka_up{instance="serve"}': "1x60",
    'deltadrop_database_up{instance="serve"}': "1x60",
    'deltadrop_consumer_up{instance="serve"}': "1x60",
    'deltadrop_lake_up{instance="serve"}': "1x60",
    'deltadrop_pending_uploads{instance="serve"}': "0x60",
    # Under load something always waits; now and then nothing is uploaded.
    'deltadrop_unapplied_uploads{instance="serve"}': "3x30 0x29",
    'deltadrop_applied_uploads{instance="serve"}': "100+7x30 310x29",
    'deltadrop_waiting_tables{instance="serve"}': "0x60",
    'deltadrop_uploads_not_in_lake{instance="serve"}': "0x60",
    'deltadrop_blocked_uploads{instance="serve"}': "0x60",
    'deltadrop_dead_letters{instance="serve"}': "0x60",
    'deltadrop_held_uploads{instance="serve"}': "0x60",
    'deltadrop_unrecorded_messages{instance="serve"}': "20x60",
}


def fires(tmp_path, changed, at_minute):
    """{alert: severity} of what fires then, where some series (by name) are as `changed` says and the others are good."""
    series = {name: next((values for metric, values in changed.items() if name.startswith(f"{metric}{{")), values) for name, values in GOOD.items()}
    assert len([name for name in series if series[name] != GOOD[name]]) >= len(changed)
    # One rule more tells which alerts there are: `promtool test rules` itself only compares with what is expected.
    case = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [{
        "interval": "1m", "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": 'count by (alertname, severity) (ALERTS{alertstate="firing"})', "eval_time": f"{at_minute}m",
                              "exp_samples": []}]}]}
    path = tmp_path / "case.yaml"
    path.write_text(json.dumps(case))  # YAML is a superset
    try:
        promtool("test", "rules", str(path))
    except AssertionError as told:
        return alerts_in(str(told))
    return {}


def alerts_in(told):
    """promtool's `got: {alertname="X", severity="page"} 1E+00...`"""
    got = told.split("got:")[1]
    found = {}
    for part in got.split("alertname=")[1:]:
        name, severity = part.split('"')[1], part.split("severity=")[1].split('"')[1]
        found[name] = severity
    return found


def test_nothing_fires_in_good_times(tmp_path):
    for minute in (1, 5, 10, 20, 30, 31, 36, 45, 60):
        assert fires(tmp_path, {}, minute) == {}, minute


def test_postgresql_down_pages(tmp_path):
    """From minute 20 on. What is not known then pages nobody."""
    down = {"deltadrop_database_up": "1x19 0x40", "deltadrop_consumer_up": f"1x19 {UNKNOWN}", "deltadrop_lake_up": f"1x19 {UNKNOWN}",
            "deltadrop_unapplied_uploads": f"3x19 {UNKNOWN}", "deltadrop_applied_uploads": f"100+7x19 {UNKNOWN}",
            "deltadrop_waiting_tables": f"0x19 {UNKNOWN}", "deltadrop_uploads_not_in_lake": f"0x19 {UNKNOWN}",
            "deltadrop_blocked_uploads": f"0x19 {UNKNOWN}", "deltadrop_dead_letters": f"0x19 {UNKNOWN}"}
    assert fires(tmp_path, down, 21) == {}
    for minute in (22, 30, 59):
        assert fires(tmp_path, down, minute) == {"DeltadropDatabaseDown": "page"}, minute


def test_no_consumer_pages(tmp_path):
    """The last one ends at minute 20; serve finds out a minute later."""
    gone = {"deltadrop_consumer_up": "1x20 0x39", "deltadrop_unapplied_uploads": "3x60", "deltadrop_applied_uploads": "100+7x19 233x40",
            "deltadrop_waiting_tables": "0x20 1x39"}
    assert fires(tmp_path, gone, 22) == {}
    assert fires(tmp_path, gone, 23) == {"DeltadropNoConsumer": "page"}
    assert fires(tmp_path, gone, 27) == {"DeltadropNoConsumer": "page", "DeltadropNotApplying": "page"}
    assert fires(tmp_path, gone, 40) == {"DeltadropNoConsumer": "page", "DeltadropNotApplying": "page", "DeltadropTablesWait": "ticket"}


def test_nothing_applied_although_something_is_pending_pages(tmp_path):
    """Consumers run and record, but nothing is applied."""
    stuck = {"deltadrop_unapplied_uploads": "3x19 3+1x40", "deltadrop_applied_uploads": "100+7x19 233x40"}
    assert fires(tmp_path, stuck, 24) == {}
    assert fires(tmp_path, stuck, 27) == {"DeltadropNotApplying": "page"}
    # Nothing is pending: then nothing has to be applied.
    assert fires(tmp_path, {"deltadrop_unapplied_uploads": "0x60", "deltadrop_applied_uploads": "100x60"}, 40) == {}


def test_kafka_down_pages_and_a_lake_that_stands_still_is_a_ticket(tmp_path):
    assert fires(tmp_path, {"deltadrop_kafka_up": "1x19 0x40"}, 21) == {}
    assert fires(tmp_path, {"deltadrop_kafka_up": "1x19 0x40"}, 22) == {"DeltadropKafkaDown": "page"}
    assert fires(tmp_path, {"deltadrop_lake_up": "1x19 0x40"}, 29) == {}
    assert fires(tmp_path, {"deltadrop_lake_up": "1x19 0x40"}, 30) == {"DeltadropLakeDown": "ticket"}


def test_what_was_there_before_pages_too(tmp_path):
    assert fires(tmp_path, {"up": "1x19 0x40"}, 30) == {"DeltadropDown": "page"}
    assert fires(tmp_path, {"deltadrop_pending_uploads": "0x19 2x40"}, 40) == {"DeltadropNotPublishing": "page"}
    assert fires(tmp_path, {"deltadrop_blocked_uploads": "0x19 1x40"}, 20) == {"DeltadropTableBlocked": "page"}
