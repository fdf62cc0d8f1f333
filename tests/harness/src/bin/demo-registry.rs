//! A registry in memory with one image in it, for `make demo`: prints the image's name and runs until its input ends.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a tool of the demo")]

use std::io::Read;

use pipewright_harness::MemoryRegistry;

fn main() {
    let registry = MemoryRegistry::start();
    registry.push_image("demo/app", "1.2.3", "an image");
    println!("{}/demo/app:1.2.3", registry.host());
    std::io::stdin().read_to_end(&mut Vec::new()).expect("standard input can be read");
}
