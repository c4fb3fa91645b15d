//! The scenario library is embedded in the binary: a new file in it asks for a new build.

fn main() {
    println!("cargo::rerun-if-changed=library");
}
