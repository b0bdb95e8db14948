"""What tests are made with: one client, one visitor, one server, one database."""
