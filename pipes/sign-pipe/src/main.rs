fn main() -> std::process::ExitCode {
    pipe_core::run::<sign_pipe::SignPipe>()
}
