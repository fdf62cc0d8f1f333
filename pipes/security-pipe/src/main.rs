fn main() -> std::process::ExitCode {
    pipe_core::run::<security_pipe::SecurityPipe>()
}
