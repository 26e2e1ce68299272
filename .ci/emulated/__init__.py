"""A deployment of template.yaml into ministack, an emulator of AWS, on this machine."""
