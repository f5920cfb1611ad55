#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop((regime_fuzz::reader("record").read)(bytes)));
