// Uses the generated client as tests/e2e/clients_test.py describes. Arguments: URL, company, contents to upload.
import {
  Configuration,
  EventFromJSON,
  EventsApi,
  GetUploadWaitEnum,
  RecordsApi,
  ResponseError,
  TablesApi,
  UploadsApi,
} from "./client";

declare const process: {argv: string[]};

async function useClient(url: string, company: string, contents: string[]): Promise<object> {
  const configuration = new Configuration({basePath: url});
  const uploads = new UploadsApi(configuration);
  const tables = new TablesApi(configuration);
  const records = new RecordsApi(configuration);
  const table = "financials";

  const answers = [];
  for (const content of contents) {
    const file = new Blob([content]);
    const answer = await uploads.postUpload({file, companyId2: company, key2: "id", dryRun2: false, types2: "amount:decimal(4)"});
    const status = await uploads.getUpload({uploadId: answer.uploadId, wait: GetUploadWaitEnum.Applied, timeout: "30s"});
    answers.push([answer.status, answer.version, answer.changesDetected, status.applied]);
  }
  const versions = (await tables.listVersions({company, table})).versions;
  const page = await records.listRecords({company, table});
  const history = (await records.getKeyHistory({key: "1", company, table})).history;
  return {
    answers,
    versions: versions.map((version) => [version.version, version.state, version.types]),
    records: Object.fromEntries(page.records.map((record) => [record.key, record.values])),
    history: history.map((entry) => [entry.eventType, entry.version, entry.changedColumns]),
    events: await firstEvents(new EventsApi(configuration), company, 3),
    problem: await tables.getTable({company, table: "no-such-table"}).catch((error: ResponseError) => error.response.status),
  };
}

async function firstEvents(api: EventsApi, company: string, count: number): Promise<unknown[]> {
  const response = await api.streamEventsRaw({company, after: "beginning", timeout: "30s"});
  const reader = response.raw.body!.pipeThrough(new TextDecoderStream()).getReader();
  const events: unknown[] = [];
  let rest = "";
  while (events.length < count) {
    const {done, value} = await reader.read();
    if (done) throw new Error(`the stream ended after ${events.length} events`);
    const lines = (rest + value).split("\n");
    rest = lines.pop()!;
    for (const line of lines.filter((each) => each.startsWith("data: "))) {
      const event = EventFromJSON(JSON.parse(line.slice("data: ".length)));
      events.push([event.eventType, event.keyValue, event.version]);
    }
  }
  await reader.cancel();
  return events;
}

const [url, company, ...contents] = process.argv.slice(2);
useClient(url, company, contents).then((found) => console.log(JSON.stringify(found)));
