import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.AbstractMongoBackend;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** Usage: MongoSubstitute PORT [FILE]. Keeps everything in memory, or in FILE. No change streams with NO_OPLOG=1. */
public class MongoSubstitute {
  public static void main(String[] arguments) throws Exception {
    AbstractMongoBackend backend = arguments.length < 2 ? new MemoryBackend() : new H2Backend(arguments[1]);
    // All versions it knows report wire version 8; the driver asks for 9 at least.
    backend.version(
        new MongoVersion() {
          public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
          }

          public int getWireVersion() {
            return 9;
          }

          public String toVersionString() {
            return "5.0.0";
          }
        });
    MongoServer server = new MongoServer(backend);
    if (!"1".equals(System.getenv("NO_OPLOG"))) {
      server.enableOplog();
    }
    server.bind(System.getenv().getOrDefault("LISTEN", "127.0.0.1"), Integer.parseInt(arguments[0]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
    Thread.currentThread().join();
  }
}
