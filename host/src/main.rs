//! Kafka to WebAssembly plugin to one Redis stream per client to Server-Sent
//! Events. See `millstream --help`.

fn main() {
    millstream::cli::main()
}
