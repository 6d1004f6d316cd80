//! A network in one process, driven by seeds: three hosts, everything that goes wrong, and the functions of this folder.
//!
//! A run is a number: the same seed, steps and profile do the same again. After the last step everything heals, feeds are
//! read until nothing moves any more, and then all hosts are compared with what sites share. With all rules on no run may
//! end wrong; with any rule off some run must.

mod commit;
mod content;
mod faults;
mod network;
mod oracle;
mod people;
mod runs;
mod scripts;
mod world;
