"""Reads from PostgreSQL while uploads go through Kafka: one complete version, and events as they are applied."""

from read_checks import Stream, check_readers_see_whole_versions, table_of


def test_a_reader_gets_one_whole_version_while_uploads_run(pipeline):
    server = pipeline.serve()
    pipeline.consume()
    check_readers_see_whole_versions(server, 20)


def test_a_stream_has_the_events_of_another_process(pipeline):
    server = pipeline.serve()
    pipeline.consume()
    server.upload_ok(table_of(1, 50))
    stream = Stream(server.url)
    stream.wait("its place", lambda each: each.last_id is not None)
    server.upload_ok(table_of(2, 50))
    stream.wait("the second version", lambda each: len(each.events) == 50)
    stream.cut()
    pipeline.consume().stop()
    server.upload_ok(table_of(3, 50))
    again = Stream(server.url, last_id=stream.last_id)
    again.wait("the third version", lambda each: len(each.events) == 50)
    assert {event["version"] for event in again.events} == {3}
    server.stop()
    again.join(60)
    assert again.done and again.error is None, again.error
