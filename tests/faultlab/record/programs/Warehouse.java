import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;

/** A warehouse: MODE ARGUMENT COUNT. What fails depends on the mode. */
public class Warehouse {
  private static final Logger LOG = Logger.getLogger("com.shop.warehouse.Picker");
  private static final List<byte[]> HISTORY = new ArrayList<>();
  private static final Map<Integer, Integer> PARENT = new HashMap<>();

  interface Step { void run(int number) throws Exception; }

  static int depth(int category) { return PARENT.containsKey(category) ? 1 + depth(PARENT.get(category)) : 0; }

  static void ask(String url) throws Exception {
    HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    HttpRequest request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(1)).build();
    int status = client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
    if (status >= 500) throw new IllegalStateException("carrier answered HTTP " + status);
  }

  static Step step(String mode, String argument) {
    switch (mode) {
      case "heap": return n -> { HISTORY.add(new byte[4_000_000]); };
      case "depth": PARENT.put(4, 9); PARENT.put(9, 12); return n -> { if (n == 14) PARENT.put(12, 4); depth(4); };
      case "class": return n -> { if (n > 9) Class.forName(argument).getDeclaredConstructor().newInstance(); };
      case "keystore": return n -> { try (FileInputStream in = new FileInputStream(argument)) { KeyStore.getInstance("PKCS12").load(in, "before-rotation".toCharArray()); } };
      case "http": return n -> ask(argument);
      default: return n -> { };
    }
  }

  public static void main(String[] args) throws Exception {
    System.setProperty("java.util.logging.SimpleFormatter.format", "%1$tF %1$tT.%1$tL %4$-7s [%3$s] %5$s%6$s%n");
    LOG.info("warehouse 5.3.0 started, mode of operation: picking");
    Step step = step(args[0], args[1]);
    for (int number = 1; number <= Integer.parseInt(args[2]); number++) {
      try {
        step.run(number);
        LOG.info("pick list " + (8800 + number) + " done");
      } catch (Exception e) {
        LOG.log(Level.SEVERE, "pick list " + (8800 + number) + " failed", e);
      }
      Thread.sleep(100);
    }
    LOG.info("warehouse stopped");
  }
}
