fn main() -> std::process::ExitCode {
    pipe_core::run::<notify_pipe::NotifyPipe>()
}
