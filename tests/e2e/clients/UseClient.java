import com.google.gson.Gson;
import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import okhttp3.Request;
import okhttp3.Response;
import okio.BufferedSource;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.EventsApi;
import org.openapitools.client.api.RecordsApi;
import org.openapitools.client.api.TablesApi;
import org.openapitools.client.api.UploadsApi;
import org.openapitools.client.model.Event;
import org.openapitools.client.model.HistoryEntry;
import org.openapitools.client.model.TableRecord;
import org.openapitools.client.model.Upload;
import org.openapitools.client.model.UploadAnswer;
import org.openapitools.client.model.UploadStatus;

/** Uses the generated client as tests/e2e/clients_test.py describes. Arguments: URL, company, files to upload. */
public final class UseClient {
  public static void main(String[] arguments) throws Exception {
    String company = arguments[1];
    ApiClient client = new ApiClient().setBasePath(arguments[0]);
    UploadsApi uploads = new UploadsApi(client);
    Map<String, Object> found = new LinkedHashMap<>();

    List<Object> answers = new ArrayList<>();
    for (int i = 2; i < arguments.length; ++i) {
      UploadAnswer answer =
          uploads.postUpload(new File(arguments[i])).companyId2(company).key2("id").dryRun2(false).types2("amount:decimal(4)").execute();
      UploadStatus status = uploads.getUpload(answer.getUploadId()).wait("applied").timeout("30s").execute();
      answers.add(List.of(answer.getStatus().getValue(), answer.getVersion(), answer.getChangesDetected(), status.getApplied()));
    }
    found.put("answers", answers);

    List<Object> versions = new ArrayList<>();
    for (Upload version : new TablesApi(client).listVersions(company, "financials").execute().getVersions()) {
      versions.add(List.of(version.getVersion(), version.getState().getValue(), version.getTypes()));
    }
    found.put("versions", versions);

    Map<String, Object> records = new LinkedHashMap<>();
    for (TableRecord record : new RecordsApi(client).listRecords(company, "financials").execute().getRecords()) {
      records.put(record.getKey(), record.getValues());
    }
    found.put("records", records);

    List<Object> history = new ArrayList<>();
    for (HistoryEntry entry : new RecordsApi(client).getKeyHistory("1", company, "financials").execute().getHistory()) {
      history.add(List.of(entry.getEventType().getValue(), entry.getVersion(), entry.getChangedColumns()));
    }
    found.put("history", history);

    List<Object> events = new ArrayList<>();
    // The generated call accepts only JSON, so it would get a problem instead of a stream.
    Request request =
        new EventsApi(client).streamEvents().company(company).after("beginning").timeout("30s").buildCall(null).request()
            .newBuilder().header("Accept", "text/event-stream").build();
    try (Response response = client.getHttpClient().newCall(request).execute();
        BufferedSource source = response.body().source()) {
      while (events.size() < 3) {
        String line = source.readUtf8LineStrict();
        if (!line.startsWith("data: ")) continue;
        Event event = Event.fromJson(line.substring("data: ".length()));
        events.add(List.of(event.getEventType().getValue(), event.getKeyValue(), event.getVersion()));
      }
    }
    found.put("events", events);

    try {
      new TablesApi(client).getTable(company, "no-such-table").execute();
    } catch (ApiException exception) {
      found.put("problem", exception.getCode());
    }
    System.out.println(new Gson().toJson(found));
    System.exit(0);  // the client's idle threads would keep the program for a while
  }
}
