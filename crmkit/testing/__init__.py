"""What tests of crmkit and of its plugins stand on."""
