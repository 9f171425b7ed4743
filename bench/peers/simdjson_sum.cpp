/**
 * A native yardstick for `sum`: simdjson On-Demand (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019;
 * Keiser and Lemire, "On-Demand JSON", 2024) reads the request that is in FILE, finds its `data`, and adds the numbers
 * as doubles, rounding at each addition.
 *
 *     simdjson_sum FILE SECONDS
 *     simdjson_sum --version
 *
 * Prints one line of JSON: MB/s of the fastest of many passes, and the sum. Small files are read many times in a pass,
 * so that the clock costs nothing.
 */
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

static double sumOf(simdjson::ondemand::parser &parser, const simdjson::padded_string &body) {
  auto document = parser.iterate(body);
  double sum = 0;
  for (auto item : document["data"].get_array()) sum += double(item.get_double());
  return sum;
}

int main(int count, char **arguments) {
  if (count == 2 && std::strcmp(arguments[1], "--version") == 0) {
    std::printf("%d.%d.%d\n", simdjson::SIMDJSON_VERSION_MAJOR, simdjson::SIMDJSON_VERSION_MINOR,
                simdjson::SIMDJSON_VERSION_REVISION);
    return 0;
  }
  if (count != 3) {
    std::fputs("usage: simdjson_sum FILE SECONDS\n", stderr);
    return 2;
  }
  try {
    using clock = std::chrono::steady_clock;
    const simdjson::padded_string body = simdjson::padded_string::load(arguments[1]);
    const double seconds = std::atof(arguments[2]);
    simdjson::ondemand::parser parser;
    const size_t times = std::max<size_t>(1, 65536 / body.size());
    const auto start = clock::now();
    double sum = 0;
    double fastest = 1e9;
    do {
      const auto before = clock::now();
      for (size_t time = 0; time < times; time++) sum = sumOf(parser, body);
      fastest = std::min(fastest, std::chrono::duration<double>(clock::now() - before).count());
    } while (std::chrono::duration<double>(clock::now() - start).count() < seconds);
    std::printf("{\"megabytesPerSecond\":%.3f,\"sum\":%.17g}\n", body.size() * double(times) / fastest / 1e6, sum);
  } catch (const simdjson::simdjson_error &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
