#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    pipewright_parsers::run("redactor", data);
});
